"""Who is believed at the doors: signatures, bearers, sizes.

Two things have no entry here. That signatures are compared in constant time shows in no test: an answer's time says
nothing reliable over a network, and nothing at all in a test. Socket Mode has no signature to check: we open the
connection ourselves, by TLS and with the app's own token, and what comes over it is Slack's.
"""

from tests.guards.guard import Guard

_SLACK = "bot/slack/envelope.py"
_GITHUB = "bot/ci/github_hook.py"
_ARGO = "bot/deploy/argocd_hook.py"
_WEB = "bot/serve/web.py"
_APP = "tests/slack/test_app.py::test_"
_HOOK = "tests/ci/test_github_hook.py::test_"
_BEARER = "tests/deploy/test_argocd_hook.py::test_"
_ENVELOPE = "tests/slack/test_envelope.py::test_"
_ROUTES = "tests/serve/test_web.py::test_"

DOORS = (
    Guard("Slack: requests are verified at all", "bot/slack/app.py", "            verify(self._secret(), lower, body, self._clock())\n", "", _APP + "bad_signatures_get_401_and_nothing_is_kept"),
    Guard("Slack: no signing secret, no HTTP", _SLACK, "    if not secret:", '    secret = secret or ""\n    if False:', _ENVELOPE + "without_a_secret_nothing_is_believed"),
    Guard("Slack: a missing signature", _SLACK, "    if not stamp or not given:", "    if not given:\n        return\n    if not stamp:", _ENVELOPE + "what_is_not_signed"),
    Guard("Slack: a wrong signature", _SLACK, "    if not hmac.compare_digest(expected", "    if False and not hmac.compare_digest(expected", _ENVELOPE + "a_wrong_signature"),
    Guard("Slack: the timestamp is signed too", _SLACK, 'b"v0:" + stamp.encode() + b":" + body', 'b"v0:" + str(int(now)).encode() + b":" + body', _ENVELOPE + "the_timestamp_is_part_of_what_is_signed"),
    Guard("Slack: a signature that is stale or of the future", _SLACK, "    if abs(now - int(stamp)) > STALE:", "    if False:", _APP + "a_right_signature_that_is_stale_gets_401"),
    Guard("Slack: stale (alone)", _SLACK, "abs(now - int(stamp)) > STALE", "int(stamp) - now > STALE", _APP + "a_right_signature_that_is_stale_gets_401"),
    Guard("Slack: of the future (alone)", _SLACK, "abs(now - int(stamp)) > STALE", "now - int(stamp) > STALE", _APP + "a_right_signature_that_is_stale_gets_401"),
    Guard("Slack: a timestamp that is no plain number", _SLACK, "    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):", "    if not stamp.isdigit():", _ENVELOPE + "a_timestamp_that_is_no_plain_number"),
    Guard("Slack: body limit", "bot/slack/app.py", "        if len(body) > _BODY_LIMIT:", "        if False:", _APP + "url_verification_and_ssl_check"),
    Guard("Slack: unsigned is only the look at the certificate", "bot/slack/app.py", ' and body.startswith(b"ssl_check=1")', "", _APP + "bad_signatures_get_401_and_nothing_is_kept"),
    Guard("Slack: people of other workspaces are not even asked about", "bot/slack/listeners.py", "        if team and team != home:", "        if False:", _APP + "a_payload_of_another_workspace_is_refused_whoever_the_person_is"),
    Guard("GitHub: webhooks are verified at all", _GITHUB, "    _verify(ci, secret, told, body)\n    event", "    event", _HOOK + "a_wrong_signature"),
    Guard("GitHub: no secret, no webhook", _GITHUB, "    if not secret:", '    secret = secret or ""\n    if False:', _HOOK + "without_a_secret_nothing_is_believed"),
    Guard("GitHub: a missing signature", _GITHUB, "    if not given:", "    if not given:\n        return\n    if False:", _HOOK + "a_wrong_signature"),
    Guard("GitHub: SHA-1 alone", _GITHUB, "    if not given:", '    if not given and "x-hub-signature" in headers:\n        return\n    if not given:', _HOOK + "sha1_alone_is_no_signature"),
    Guard("GitHub: a wrong signature", _GITHUB, "    if not hmac.compare_digest(right", "    if False and not hmac.compare_digest(right", _HOOK + "a_wrong_signature"),
    Guard("GitHub: every byte counts", _GITHUB, "hmac.new(secret.encode(), body,", "hmac.new(secret.encode(), body.strip(),", _HOOK + "one_changed_byte"),
    Guard("GitHub: a run of no owner/name", _GITHUB, "    if not FULL_NAME.fullmatch(name):", "    if False:", _HOOK + "another_shape_is_told_by_its_path"),
    Guard("Argo CD: no secret, no webhook", _ARGO, "    if not secret:", '    secret = secret or ""\n    if False:', _BEARER + "without_a_secret_nothing_is_believed"),
    Guard("Argo CD: webhooks are verified at all", _ARGO, "    _verify(deploy, secret, {name.lower(): value for name, value in headers.items()})\n", "", _BEARER + "what_is_not_believed"),
    Guard("Argo CD: a missing bearer", _ARGO, '    if scheme.lower() != "bearer" or not given:', "    if not given:\n        return\n    if False:", _BEARER + "what_is_not_believed"),
    Guard("Argo CD: another scheme is no bearer", _ARGO, '    if scheme.lower() != "bearer" or not given:', "    if not given:", _BEARER + "what_is_not_believed"),
    Guard("Argo CD: a wrong bearer", _ARGO, "    if not hmac.compare_digest(given", "    if False and not hmac.compare_digest(given", _BEARER + "what_is_not_believed"),
    Guard("Argo CD: another application", _ARGO, "    elif told.app != app or", "    elif", _BEARER + "what_is_not_ours"),
    Guard("routes: what is not believed is 401", _WEB, '        return 401, "bad or missing signature\\n"', '        return 200, ""', _ROUTES + "what_is_refused_or_not_used_is_not_kept"),
    Guard("routes: a declared length beyond the bound", _WEB, "    if length.isdigit() and int(length) > BODY_LIMIT:", "    if False:", _ROUTES + "a_body_beyond_its_bound"),
    Guard("routes: a body beyond the bound, whatever it declared", _WEB, "        if len(body) > BODY_LIMIT:", "        if False:", _ROUTES + "a_body_beyond_its_bound"),
    Guard("routes: unknown names", _WEB, '        return 404, "no such webhook is configured\\n"', '        return 200, ""', _ROUTES + "what_is_refused_or_not_used_is_not_kept"),
)  # fmt: skip
