"""Whether a URL leads to an application of Argo CD. Pure."""

from __future__ import annotations

from urllib.parse import unquote

from bot.links import below, split

OWN_NAMESPACE = "argocd"  # where Argo CD is installed, unless its people chose another


def leads_to(text: str, web_url: str, app: str, namespace: str | None) -> bool:
    """True for WEB_URL/applications/NAME and .../applications/NAMESPACE/NAME, whatever query and fragment follow.

    `namespace` None: not known, Argo CD's usual one counts. The form without a namespace is taken always: the
    notifications that Argo CD ships write it for applications of any namespace.
    """
    found = split(text)
    inside = below(web_url, found[0], found[1]) if found is not None else None
    if inside is None:
        return False
    parts = [unquote(part) for part in inside.split("/")]
    return parts in (["applications", app], ["applications", namespace or OWN_NAMESPACE, app])
