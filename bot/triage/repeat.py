"""Is a step safe to repeat? Told from its name and its command: what publishes, deploys, migrates or applies may have
been done in part when it failed, and is then done twice by a re-run. Pure.

A warning and never a ban: a name is a hint, and people know their steps. Commands are those of the tools' own manuals.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from bot.model.language import tr

Kind = Literal["publish", "push", "deploy", "migrate", "infrastructure"]

WARNINGS: Mapping[Kind, str] = {
    "publish": "{what} publishes: part of it may be out already, and most registries refuse the same version twice."
    " Look at what is out before you re-run",
    "push": "{what} pushes under a name that can move: running it again replaces what others may have taken."
    " Look at what was pushed before you re-run",
    "deploy": "{what} deploys: it may have been done in part. Look at what runs now before you re-run",
    "migrate": "{what} changes a database: it may have been done in part."
    " See which migrations were applied before you re-run",
    "infrastructure": "{what} changes infrastructure: it may have been done in part."
    " Look at the state and the plan before you re-run",
}

_DRY = re.compile(
    r"(?:^|\s)(?:--?dry[-_]?run(?!=none)\S*|--check|--noop|--no-push|--snapshot|--skip=publish|--preview)\b"
)
_ACTS: Mapping[Kind, tuple[str, ...]] = {
    "migrate": (
        r"(?:alembic|flask db) (?:up|down)grade", r"manage\.py migrate",
        r"(?:rails|rake) db:(?:migrate|schema:load|seed)",
        r"flyway (?:\S+ )*migrate", r"liquibase (?:\S+ )*update", r"prisma (?:migrate deploy|db push)",
        r"knex migrate:\w+", r"sequelize(?:-cli)? db:migrate", r"typeorm migration:run", r"goose (?:\S+ )*up",
        r"migrate (?:\S+ )+(?:up|down)", r"dbmate (?:up|migrate)", r"atlas (?:migrate|schema) apply",
        r"sqlx migrate run", r"diesel migration run", r"mix ecto\.migrate", r"artisan migrate",
        r"dotnet[ -]ef database update",
    ),
    "infrastructure": (
        r"(?:terraform|tofu|terragrunt)(?: -\S+)* (?:run-all )?(?:apply|destroy|import)", r"pulumi (?:up|destroy)",
        r"cdk (?:deploy|destroy)", r"cloudformation (?:deploy|create-stack|update-stack|delete-stack)",
        r"(?:gcloud|az) (?:\S+ )*(?:create|delete)", r"ansible-playbook(?: \S+)+",
    ),
    "publish": (
        r"(?:npm|yarn|pnpm|lerna|changeset|cargo|poetry|uv|flit|hatch|pdm|vsce|jsr)(?: (?:--?\S+|run|npm))* publish",
        r"(?:npx )?semantic-release", r"release-it", r"twine upload", r"gem push", r"(?:dotnet )?nuget push",
        r"mvnw? (?:\S+ )*(?:deploy|release:perform)",
        r"gradlew? (?:\S+ )*(?:\S*publish(?!\w*MavenLocal)\w*|uploadArchives)",
        r"goreleaser(?: release)?", r"gh release (?:create|upload|edit)", r"helm (?:cm-)?push", r"pod trunk push",
        r"fastlane (?:\S+ )*(?:deliver|release|upload\w*)", r"git push",
    ),
    "deploy": (
        r"kubectl (?:-\S+(?: \S+)? )*(?:apply|create|delete|replace|patch|scale|set image|rollout (?:restart|undo))",
        r"helm (?:-\S+ )*(?:upgrade|install|uninstall|rollback)", r"helmfile (?:\S+ )*(?:apply|sync)",
        r"argocd app (?:sync|rollback|set)", r"flux reconcile", r"skaffold (?:run|deploy)",
        r"(?:serverless|sls|sam|eb|fly|flyctl) (?:deploy|apply)", r"cap \w+ deploy", r"dep deploy", r"kamal deploy",
        r"(?:vercel|netlify|wrangler|firebase|gcloud)(?: \S+)* (?:deploy|publish|--prod)",
        r"heroku (?:container:release|releases:\w+)", r"(?:ecs update-service|lambda update-function-code)",
        r"aws s3 (?:sync|cp|mv) \S+ s3://\S+", r"nomad (?:job )?run", r"docker (?:stack deploy|service update)",
    ),
    "push": (
        r"(?:docker|podman|buildah|nerdctl)(?: image| manifest| compose)? push", r"skopeo copy",
        r"(?:crane|oras) (?:push|copy|cp)", r"(?:docker|nerdctl)(?: buildx)? (?:build|bake)(?: \S+)* --push",
        r"ko (?:build|publish|apply)", r"jib", r"executor (?:\S+ )*--destination\S*",
    ),
}  # fmt: skip
_COMMANDS = tuple(
    (kind, re.compile(rf"(?:^|[\s;&|(/])(?:{'|'.join(acts)})(?=$|[\s;&|)])", re.IGNORECASE))
    for kind, acts in _ACTS.items()
)
_PUSHED = re.compile(r"\S+/\S+|\S+:\S+")
# a tag that names one commit or one build stands still, and so does a digest
_FIXED = re.compile(r"@sha256:[0-9a-f]{64}$|:(?:\S*[._-])?[0-9a-f]{7,40}$")

_WORDS: tuple[tuple[Kind, str, str], ...] = (
    ("migrate", r"migrat(?:e|es|ion|ions|ing)|db ?(?:upgrade|seed)", "迁移|数据库变更|刷库"),
    ("infrastructure", r"terraform|pulumi|provision(?:ing)?|apply infra\w*|tear ?down|destroy", "基础设施变更"),
    ("deploy", r"deploy(?:s|ed|ment|ing)?|roll ?(?:out|back)|promote|go live|helm upgrade|ship|sync to (?:prod\w*|s3)",
     r"部署|上线|投产|灰度|回滚|发布到\S*(?:环境|生产|线上)"),
    ("publish", r"publish(?:es|ing)?|releas(?:e|es|ing)|upload to (?:pypi|npm|maven|\S*store)|goreleaser",
     "发布|发版|上传制品|推送代码"),
    ("push", r"push(?:es|ing)?", "推送|上传镜像"),
)  # fmt: skip
_ANY_WORD = re.compile("|".join(rf"(?P<{kind}>\b(?:{words})\b|{chinese})" for kind, words, chinese in _WORDS))
_TARGET = re.compile(
    r"(?:^|[\s;&|])(?:(?:make|just|task|rake|mage|invoke|inv|nox|tox -e|(?:npm|yarn|pnpm|bun|composer)(?: run)?)"
    r"(?: -\S+)* (?P<target>[A-Za-z][\w:.-]*)|(?:\S*/)?(?P<script>[\w.-]+)\.(?:sh|bash|py|rb|js|ts|ps1)(?=$|[\s;&|]))"
)
_LOOKS_ON = re.compile(
    r"^(?:re-?)?(?:test|tests|lint|check|checks|validate|verify|plan|preview|simulate|build|compile|install|set ?up"
    r"|prepare|download|fetch|get|wait|read|render|template|diff|cache|restore|checkout|login|log in|configure|post"
    r"|测试|检查|校验|验证|构建|编译|安装|准备|下载|预览|等待|登录|配置)(?:\b|(?<=[\u4e00-\u9fff]))"
)
_ALSO = re.compile(r"\b(?:and|then|with)\b|[&+,;]|并|和|及|后|再|然后|、")
_OF_IT = re.compile(
    r"\s*(?:tests?|checks?|scripts?|configs?|configuration|plan|lint|linter|notes|build|binary|binaries|branch|key|keys"
    r"|mode|candidate|dry|preview|manifests?|template|测试|检查|校验|脚本|配置|前|计划|演练|说明)"
)
_DRY_NAME = re.compile(r"\bdry[ -]?run\b|\bno[ -]?op\b|\bplan\b|演练|试运行|预演")


class Unsafe(NamedTuple):
    kind: Kind
    what: str  # the step's name or its command, as it was told


def unsafe(step: str | None, command: str | None) -> Unsafe | None:
    """Whether repeating this step may do harm. `step`: its name as the CI has it; `command`: what it ran."""
    if command and (kind := of_command(command)):
        return Unsafe(kind, command)
    if step and (kind := of_name(step)):
        return Unsafe(kind, step)
    return None


def of_command(command: str) -> Kind | None:
    """From a shell command (or several on one line). A dry run is safe."""
    command = command[:2000]
    if _DRY.search(command):
        return None
    for kind, pattern in _COMMANDS:
        found = pattern.search(command)
        if found is not None and not (kind == "push" and _stands_still(command[found.start() :])):
            return kind
    named = (found.group("target") or found.group("script") for found in _TARGET.finditer(command))
    return next((told for name in named if (told := _of_words(name))), None)


def _stands_still(pushed: str) -> bool:
    """Whether every image that is pushed has a tag that names one commit, or a digest."""
    images = [w for w in pushed.split() if not w.startswith("-") and _PUSHED.fullmatch(w) and "=" not in w]
    return bool(images) and all(_FIXED.search(image) for image in images)


def of_name(step: str) -> Kind | None:
    """From a step's name, English or Chinese; many CIs name a step by its command."""
    return of_command(step) or (None if _DRY.search(step) else _of_words(step))


def _of_words(step: str) -> Kind | None:
    """A name that begins by looking on (test, check, build ...) is safe unless it goes on to act ("Build and push")."""
    name = re.sub(r"[\W_]+", " ", re.sub(r"^run\s+", "", step[:300].strip().lower())).strip()
    marks = step.lower()
    if not name or _DRY_NAME.search(name):
        return None
    looks_on = _LOOKS_ON.match(name) is not None
    for found in _ANY_WORD.finditer(name):
        if _OF_IT.match(name, found.end()):
            continue
        if looks_on and not _ALSO.search(marks[: marks.rfind(found.group()) + 1 or None]):
            continue
        return next(kind for kind, _, _ in _WORDS if found.lastgroup == kind)
    return None


def warning(found: Unsafe) -> str:
    """In words, one line."""
    what = " ".join(found.what.split())
    what = what if len(what) <= 70 else what[:69] + "…"
    return tr(WARNINGS[found.kind], what=f"“{what}”")
