"""Which URLs lead to an application of Argo CD."""

import pytest

from bot.deploy.argocd_links import leads_to

WEB = "https://argocd.acme.dev"


@pytest.mark.parametrize(
    "url",
    [
        f"{WEB}/applications/shop",
        f"{WEB}/applications/shop/",
        f"{WEB}/applications/shop?operation=true",
        f"{WEB}/applications/shop?view=tree&resource=#top",
        f"{WEB}/applications/argocd/shop",
        f"{WEB}/applications/argocd/shop?operation=true",
        "http://argocd.acme.dev/applications/shop",
        "HTTPS://ArgoCD.acme.DEV:443/applications/shop",
        "argocd.acme.dev/applications/shop",
        f"<{WEB}/applications/shop?operation=true|here>",
        f"{WEB}/applications/shop.",
        f"{WEB}/applications/s%68op",
    ],
)
def test_ours(url: str) -> None:
    assert leads_to(url, WEB, "shop", None)


@pytest.mark.parametrize(
    "url",
    [
        "", "shop", WEB, f"{WEB}/applications", f"{WEB}/applications/", f"{WEB}/applications/shop2",
        f"{WEB}/applications/team-b/shop", f"{WEB}/applications/argocd/shop/x", f"{WEB}/api/v1/applications/shop",
        f"{WEB}/applications//shop", f"{WEB}/applications/../applications/shop", f"{WEB}/settings/shop",
        f"{WEB}/?x=/applications/shop", f"{WEB}/#/applications/shop", f"{WEB}/applications/argocd%2Fshop",
        f"{WEB}/applications/%zz", f"{WEB}/applications/shop%00", "https://argocd.acme.dev.evil.example/applications/shop",
        "https://evil.example/argocd.acme.dev/applications/shop", "https://argocd.acme.dev@evil.example/applications/shop",
        "https://argocd.acme.dev:8443/applications/shop", "ftp://argocd.acme.dev/applications/shop",
        f"{WEB}/applications/shop\n", f"{WEB}/applications/sh\u00f6p", "http://[", "x" * 100_000,
    ],
)  # fmt: skip
def test_not_ours(url: str) -> None:
    assert not leads_to(url.replace("\n", "\nx"), WEB, "shop", None)


def test_below_a_path_and_in_another_namespace() -> None:
    web = "https://tools.acme.dev/argo"
    assert leads_to(f"{web}/applications/shop", web, "shop", "team-a")
    assert leads_to(f"{web}/applications/team-a/shop", web, "shop", "team-a")
    assert not leads_to(f"{web}/applications/argocd/shop", web, "shop", "team-a")
    assert not leads_to("https://tools.acme.dev/applications/shop", web, "shop", "team-a")
