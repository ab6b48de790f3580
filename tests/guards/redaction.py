"""Secrets out of text: what is taken for one, and every place where text leaves or stays."""

from tests.guards.guard import Guard

_REDACT = "bot/triage/redact.py"
_SCAN = "bot/triage/scan_report.py"
_GOES = "tests/triage/test_redact.py::test_a_secret_goes"
_HITS = "tests/triage/test_scanner.py::test_secrets_do_not_leave"
_NAMES = "tests/triage/test_scanner.py::test_names_around_a_hit_lose_their_secrets"
_NEVER = "(?!)"  # a pattern that matches nothing

# issuer -> its part of the pattern; the test has one token of each, with no name before it
_ISSUERS = {
    "github": r"gh[pousr]_[A-Za-z0-9_.-]{20,2000}", "github fine-grained": r"github_pat_\w{20,300}",
    "gitlab": r"gl(?:pat|ptt|dt|rt|rtr|cbt|ft|soat|agent|oas|imt|ffct|wt)-[\w.-]{16,400}", "gitlab runner": r"GR1348941[\w-]{20,100}",
    "slack": r"xox[a-z]-[\w-]{10,300}", "slack refresh": r"xoxe\.[\w.-]{10,300}", "slack app": r"xapp-\d-[\w-]{10,300}",
    "aws": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])", "google key": r"AIza[\w-]{35}", "google access": r"ya29\.[\w.-]{20,2000}",
    "google secret": r"GOCSPX-[\w-]{20,60}", "npm": r"npm_[A-Za-z0-9]{30,60}", "pypi": r"pypi-[\w-]{16,1000}", "rubygems": r"rubygems_[0-9a-f]{32,64}",
    "crates": r"crates?io_\w{20,80}", "cargo": r"cio[A-Za-z0-9]{32}(?!\w)", "docker": r"dckr_(?:pat|oat)_[\w-]{16,80}", "digitalocean": r"dop_v1_[0-9a-f]{40,80}",
    "vault": r"hv[sbr]\.[\w-]{20,400}", "artifactory key": r"AKCp[A-Za-z0-9]{60,100}", "artifactory reference": r"cmVmdGtuOj[A-Za-z0-9+/=]{20,200}",
    "openai": r"sk-(?:proj-|ant-)?[\w-]{20,300}", "stripe": r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}", "sendgrid": r"SG\.[\w-]{16,40}\.[\w-]{16,80}",
    "age": r"AGE-SECRET-KEY-1[A-Z0-9]{50,70}", "terraform": r"atlasv1\.[\w-]{40,100}", "buildkite": r"bkua_[0-9a-f]{30,60}", "hugging face": r"hf_[A-Za-z0-9]{30,60}",
    "shopify": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "databricks": r"dapi[0-9a-f]{32}", "facebook": r"EAACEdEose0cBA\w+", "postman": r"PMAK-[\w-]{50,80}",
    "jwt": r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{0,4000}", "slack hook": r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/",
    "discord hook": r"discord(?:app)?\.com/api/webhooks", "office hook": r"webhook\.office\.com/webhookb2",
}  # fmt: skip
_TOKENS = "tests/triage/test_redact.py::test_each_issuers_token_tells_what_it_is_by_its_form"

REDACTION = (
    *(Guard(f"token: {issuer}", _REDACT, text, _NEVER, f"{_TOKENS}[{issuer}]") for issuer, text in _ISSUERS.items()),
    Guard("values after a name that says so", _REDACT, "patterns += (_NAMED, _OPTION)", "patterns += (_OPTION,)", _GOES),
    Guard("options that say so", _REDACT, "patterns += (_NAMED, _OPTION)", "patterns += (_NAMED,)", _GOES),
    Guard("headers", _REDACT, "        patterns.append(_HEADER)", "        pass", _GOES),
    Guard("log-ins on a command line", _REDACT, "        patterns.append(_LOGIN)", "        pass", _GOES),
    Guard("signatures and keys in a query", _REDACT, "= [_QUERY] if", "= [] if", _GOES),
    Guard("log-ins in a URL", _REDACT, '                found.append(match.span("v"))', "                pass", _GOES),
    Guard("key blocks", _REDACT, "        _key_blocks(text, found)\n", "        pass\n", _GOES),
    Guard("a line that is all key", _REDACT, '    found.extend(m.span("v") for m in _KEY_LINE', '    (m.span("v") for m in _KEY_LINE', "tests/triage/test_redact.py::test_a_line_that_is_all_key_goes"),
    # where text leaves the scanner
    Guard("log: the text of a hit", _SCAN, "    clear = cut(text, secrets)\n", "    clear = text\n", _HITS),
    Guard("log: the facts of a hit", _SCAN, "cut(text, secrets, len(shown(match.text[:first]))", "cut(text, [], len(shown(match.text[:first]))", _HITS),
    Guard("log: a hit inside a key block", _SCAN, "        secrets = [(0, len(text))]", "        pass", "tests/triage/test_scanner.py::test_a_hit_inside_a_key_block_is_all_secret"),
    Guard("log: the lines around a hit", _SCAN, '    clear = redact("\\n".join(cleaned)).split("\\n")\n    first', '    clear = "\\n".join(cleaned).split("\\n")\n    first', _HITS),
    Guard("log: the end of the log", _SCAN, '_stripped(redact("\\n".join(cleaned)).split("\\n"))', '_stripped("\\n".join(cleaned).split("\\n"))', _HITS),
    Guard("log: the last command", _SCAN, "_short(redact(shown(gathered.command)).strip(), _TEXT)", "_short(shown(gathered.command).strip(), _TEXT)", _HITS),
    Guard("log: the name of a step", "bot/triage/scan_steps.py", "redact(shown(text[:1000]))", "shown(text[:1000])", _NAMES),
    Guard("log: the name of a BuildKit stage", _SCAN, "redact(shown(line.vertex_name))", "shown(line.vertex_name)", _NAMES),
    # errors, audit, messages, command line, the bot's own log
    Guard("errors: a fault of ours, told in the thread", "bot/workflow/triage.py", "redact(why)[:300]", "why[:300]", "tests/workflow/test_loop.py::test_a_fault_of_ours_is_told_without_its_secrets"),
    Guard("errors: a service's own words", "bot/outbound.py", 'return redact(" ".join(text.split()))', 'return (" ".join(text.split()))', "tests/test_outbound.py::test_secrets_in_what_a_service_says_are_taken_out"),
    Guard("errors: our credential, repeated by a service", "bot/outbound.py", 'text = text.replace(secret, "***")', "pass", "tests/test_outbound.py::test_a_server_that_repeats_the_credential"),
    Guard("errors: a header that cannot be sent", "bot/outbound.py", "            return self._unsendable(what)", "            pass", "tests/test_outbound.py::test_a_credential_that_cannot_be_sent_is_not_shown"),
    Guard("errors: a foreign URL's path and query", "bot/outbound.py", 'if inside else f"{method} on {_host(url)}"', 'if True else ""', "tests/test_outbound.py::test_of_a_foreign_url_only_the_host_is_told"),
    Guard("errors: what Argo CD says", "bot/deploy/argocd_wire.py", 'return redact(" ".join((text or "").split()))', 'return (" ".join((text or "").split()))', "tests/deploy/test_argocd_wire.py::test_words_of_argo_cd_lose_their_secrets"),
    Guard("errors: what a login shell says", "bot/probes/ssh.py", "mask.text(said.strip()[-160:])", "said.strip()[-160:]", "tests/probes/test_ssh.py::test_what_a_broken_login_says_is_masked"),
    Guard("errors: what a vantage says instead of an answer", "bot/probes/wire.py", 'mask.text((complaint or output.decode("utf-8", "replace")).strip()[-250:])', '(complaint or output.decode("utf-8", "replace")).strip()[-250:]', "tests/probes/test_local.py::test_complaints_of_a_hostile_machine_are_masked"),
    Guard("errors: why the prober could not work", "bot/probes/wire.py", "mask.text(str(found['error']))", "str(found['error'])", "tests/probes/test_local.py::test_complaints_of_a_hostile_machine_are_masked"),
    Guard("probes: facts, before they are sent", "bot/prober/run.py", '"facts": mask.facts(facts)}', '"facts": facts}', "tests/prober/test_run.py::test_every_fact_and_complaint_passes_the_mask"),
    Guard("probes: why a request cannot be read", "bot/prober/run.py", "mask.text(str(error))", "str(error)", "tests/prober/test_run.py::test_every_fact_and_complaint_passes_the_mask"),
    Guard("probes: facts, as they arrive", "bot/probes/wire.py", "facts=mask.facts({str(k)[:60]: v for k, v in facts.items()})", "facts=facts", "tests/probes/test_local.py::test_facts_of_a_hostile_machine_are_cut_and_masked"),
    Guard("probes: our own environment", "bot/probes/local.py", "        if k in _KEPT or", "        if True or", "tests/probes/test_local.py::test_no_secret_of_ours_reaches_the_prober"),
    Guard("audit: what is written for ever", "bot/store/sqlite.py", "json.dumps(cleared(detail),", "json.dumps(detail,", "tests/contracts/test_store.py::test_no_secret_is_written_for_ever"),
    Guard("store: what became of a delivery", "bot/store/sqlite.py", "redact(outcome)[:300]", "outcome[:300]", "tests/contracts/test_store.py::test_no_secret_is_written_for_ever"),
    Guard("Slack: every text that comes from outside", "bot/slack/mrkdwn.py", "    return redact(_SURROGATE.sub(", "    return (_SURROGATE.sub(", "tests/slack/test_mrkdwn.py::test_no_way_into_a_message_keeps_a_secret"),
    Guard("command line: complaints", "bot/serve/cli.py", "{redact(text)}", "{text}", "tests/serve/test_cli.py::test_no_complaint_shows_a_secret"),
    Guard("the bot's log: words", "bot/triage/redact.py", "    return redact(str(value))", "    return str(value)", "tests/serve/test_log.py::test_no_secret_is_logged"),
    Guard("the bot's log: errors and nested values", "bot/serve/log.py", "{key: cleared(value) for key, value", "{key: cleared(value) if isinstance(value, str) else value for key, value", "tests/serve/test_log.py::test_no_secret_is_logged"),
    Guard("the bot's log: tracebacks", "bot/serve/log.py", "            structlog.processors.format_exc_info,  # a traceback is text before the secrets are taken out\n", "", "tests/serve/test_log.py::test_no_secret_is_logged"),
)  # fmt: skip
