import pytest

from bot.model.language import speaking
from bot.triage.repeat import WARNINGS, Unsafe, of_command, of_name, unsafe, warning

NAMES = {
    "publish": (
        "Publish to npm", "Create Release", "Run softprops/action-gh-release@v2", "Run pypa/gh-action-pypi-publish@v1",
        "release", "Upload to PyPI", "Run npm publish", "发布", "发版", "Test and publish",
    ),
    "deploy": (
        "Deploy to test", "actions/deploy-pages@v4", "Deploy", "Rollout to production", "Promote canary",
        "Run helm upgrade --install shop ./chart", "部署到生产环境", "发布到生产环境", "上线", "灰度发布", "构建并部署",
    ),
    "migrate": ("Run migrations", "DB migrate", "数据库迁移", "Run python manage.py migrate"),
    "infrastructure": ("Terraform Apply", "Provision cluster", "Run terraform apply -auto-approve"),
    "push": ("Push image", "Build and push", "Run docker/build-push-action@v5", "构建并推送镜像", "推送镜像"),
    None: (
        "", "   ", "Test deploy script", "Build release", "Lint migrations", "terraform plan", "部署测试", "发布前检查",
        "Set up Go", "release notes", "Deploy (dry run)", "Deployment tests", "Checkout", "Run tests", "membership sync",
        "relationship check", "单元测试", "Run npm publish --dry-run", "Check release branch", "部署演练", "编译",
        "Install dependencies", "Publisher unit tests", "Restore cache",
    ),
}  # fmt: skip
COMMANDS = {
    "publish": (
        "npm publish --access public", "cd x && npx semantic-release", "twine upload dist/*", "cargo publish",
        "mvn -B deploy", "./gradlew publish", "git push origin v1", "gh release create v1", "make release",
        "npm run publish:docs", "./scripts/release.sh v2", "poetry publish --build", "goreleaser release",
    ),
    "deploy": (
        "helm upgrade --install x y", "kubectl apply -f x.yaml", "kubectl -n prod rollout restart deploy/x",
        "aws s3 sync dist s3://bucket", "make deploy", "argocd app sync shop", "kubectl apply --dry-run=none -f x",
        "vercel deploy --prod", "serverless deploy", "bash deploy.sh",
    ),
    "migrate": (
        "python manage.py migrate", "alembic upgrade head", "migrate -path db -database $URL up",
        "bundle exec rake db:migrate", "npx prisma migrate deploy", "flyway -url=x migrate",
    ),
    "infrastructure": ("terraform apply -auto-approve", "ansible-playbook site.yml", "pulumi up --yes", "tofu destroy"),
    "push": (
        "docker push a/b:latest", "docker push $IMAGE", "docker buildx build -t a:b --push .", "docker push reg.io/a/b",
        "skopeo copy docker-archive:x docker://reg.io/a:main",
    ),
    None: (
        "docker push reg.io/a/b:3f2c1ab", "docker push reg.io/a/b:main-3f2c1abdeadbeef", "go test ./...", "terraform plan",
        "helm upgrade x y --dry-run", "kubectl get pods", "cargo build --release", "kubectl apply --dry-run=client -f x",
        "./gradlew publishToMavenLocal", "docker pull a/b:latest", "npm run build:release", "ansible-playbook x --check",
        "go mod download", "make test", "echo published", "python test_deploy.py", "npm run deploy-check",
        "docker push reg.io/a@sha256:" + "a" * 64,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in NAMES.items() for n in names])
def test_from_the_name(kind: str | None, name: str) -> None:
    assert of_name(name) == kind


@pytest.mark.parametrize(("kind", "command"), [(k, c) for k, commands in COMMANDS.items() for c in commands])
def test_from_the_command(kind: str | None, command: str) -> None:
    assert of_command(command) == kind


def test_the_command_says_more_than_the_name() -> None:
    assert unsafe("Run it", "helm upgrade a b") == Unsafe("deploy", "helm upgrade a b")
    assert unsafe("Publish", "go test ./...") == Unsafe("publish", "Publish")
    assert unsafe(None, None) is None


def test_hostile_names_cost_no_time_and_stay_on_one_line() -> None:
    assert of_command("docker build " + "-t x " * 5000) is None
    assert of_name("a" * 100_000) is None
    assert "\n" not in warning(Unsafe("push", "docker push x\n" + "y" * 500))
    assert len(warning(Unsafe("push", "y" * 500))) < 260


def test_every_kind_has_its_words_in_chinese() -> None:
    for kind in WARNINGS:
        with speaking("zh"):
            chinese = warning(Unsafe(kind, "x"))
        assert chinese != warning(Unsafe(kind, "x"))
