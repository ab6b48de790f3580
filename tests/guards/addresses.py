"""Where nothing connects to: private and special addresses from the bot's own host, metadata from anywhere."""

from tests.guards.guard import Guard

_POLICY = "bot/prober/policy.py"
_NET = "bot/prober/net.py"
_HTTP = "bot/prober/exchange.py"
_TEST = "tests/prober/test_policy.py::test_"
_ASKING = "tests/prober/test_http.py::test_"
_CLOSED = _TEST + "special_addresses_are_closed_to_the_bots_host_alone"
_REBIND = _TEST + "a_name_is_resolved_once_and_only_the_judged_address_is_connected_to"
_PROXIED = _ASKING + "the_proxy_is_configuration_and_the_target_is_not"
_LOGS = "tests/ci/test_github.py::test_where_a_log_is_not_fetched_from"

ADDRESSES = (
    Guard("private", _POLICY, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7", "192.168.0.0/16 fc00::/7", _CLOSED),
    Guard("loopback", _POLICY, '"127.0.0.0/8 ::1/128"', '"::1/128"', _TEST + "no_spelling_of_loopback_is_connected_to"),
    Guard("unspecified (which is loopback)", _POLICY, '"0.0.0.0/8 ::/128"', '"::/128"', _TEST + "no_spelling_of_loopback_is_connected_to"),
    Guard("carrier-grade NAT", _POLICY, '"100.64.0.0/10"', '""', _CLOSED),
    Guard("multicast", _POLICY, '"224.0.0.0/4 ff00::/8"', '"ff00::/8"', _CLOSED),
    Guard("reserved", _POLICY, "192.88.99.0/24 240.0.0.0/4", "192.88.99.0/24", _CLOSED),
    Guard("IPv6 outside of global unicast", _POLICY, "    if address.version == 6 and not _inside(address, _GLOBAL_V6):", "    if False:", _CLOSED),
    Guard("link-local", _POLICY, '    "169.254.0.0/16",', '    "169.254.169.254/32",', _TEST + "metadata_never"),
    Guard("link-local, IPv6", _POLICY, '    "fe80::/10",', "", _TEST + "metadata_never"),
    Guard("metadata of AWS, Google and others", _POLICY, '    "169.254.0.0/16",', "", _TEST + "metadata_never"),
    Guard("metadata of Alibaba", _POLICY, '    "100.100.100.200/32",', "", _TEST + "metadata_never"),
    Guard("Azure's wire server", _POLICY, '    "168.63.129.16/32",', "", _TEST + "metadata_never"),
    Guard("metadata of AWS, IPv6", _POLICY, '    "fd00:ec2::/32",', "", _TEST + "metadata_never"),
    Guard("metadata from any vantage", _POLICY, "        for one in (address, *inner):\n            if _inside(one, _METADATA):", "        for one in (address, *inner):\n            if self.public and _inside(one, _METADATA):", _TEST + "metadata_never"),
    Guard("metadata whatever is listed", _POLICY, "            if _inside(one, _METADATA):", "            if _inside(one, _METADATA) and not _inside(one, self.allow):", _TEST + "metadata_never"),
    Guard("metadata names", _POLICY, '        if host.lower().rstrip(".") in _METADATA_NAMES:', "        if False:", _TEST + "metadata_names"),
    Guard("metadata names, for dns probes", "bot/prober/dns.py", "    reason = ctx.policy.deny_name(name)", "    reason = None", _TEST + "metadata_names"),
    Guard("IPv4 inside IPv6: mapped", _POLICY, "    if high in (0xFFFF, 0xFFFF0000,", "    if high in (0xFFFF0000,", _TEST + "an_address_inside_another_is_judged_as_itself"),
    Guard("IPv4 inside IPv6: NAT64", _POLICY, ", 0x64FF9B << 64)", ")", _TEST + "an_address_inside_another_is_judged_as_itself"),
    Guard("IPv4 inside IPv6: 6to4", _POLICY, "    if n >> 112 == 0x2002:", "    if False:", _TEST + "an_address_inside_another_is_judged_as_itself"),
    Guard("metadata inside IPv6", _POLICY, "        for one in (address, *inner):\n            if _inside(one, _METADATA):", "        for one in (address,):\n            if _inside(one, _METADATA):", _TEST + "metadata_never"),
    Guard("zones are no way round", _POLICY, 'text.split("%", 1)[0]', "text", _TEST + "zones_are_no_way_round"),
    Guard("nothing but what is listed", _POLICY, "            if kind and not _inside(one, self.allow) and not _inside(address, self.allow):", "            if kind and not self.allow:", _TEST + "what_is_listed_is_open_and_its_neighbour_is_not"),
    Guard("a request without a policy is closed", _POLICY, 'given.get("scope", "public")', 'given.get("scope", "any")', _TEST + "a_request_without_a_policy_is_closed"),
    Guard("a policy of another shape is refused", _POLICY, "        if not isinstance(given, dict) or set(given)", "        if isinstance(given, dict) and False and set(given)", _TEST + "a_request_without_a_policy_is_closed"),
    Guard("the bot's own host is public only", "bot/probes/local.py", '{"scope": "public",', '{"scope": "any",', "tests/probes/test_local.py::test_the_bots_own_host_opens_what_probe_allow_lists_and_no_more"),
    Guard("probe_allow is what opens", "bot/probes/local.py", '"allow": list(probe_allow), "capture"', '"allow": ["0.0.0.0/0"], "capture"', "tests/probes/test_local.py::test_the_bots_own_host_opens_what_probe_allow_lists_and_no_more"),
    Guard("addresses are judged after resolution", _NET, "        why = ctx.policy.deny(address)", "        why = None", _TEST + "no_spelling_of_loopback_is_connected_to"),
    Guard("the judged address is the one connected to (rebinding)", _HTTP, "            attempt = connect(self.judged, self.target.port, self.ctx.clock, self.segment)", "            attempt = connect(resolve(self.target.host, self.ctx._replace(policy=_trusted()), self.ctx.clock).allowed, self.target.port, self.ctx.clock, self.segment)", "tests/prober/test_http.py::test_a_name_that_rebinds_is_connected_to_where_it_was_judged"),
    Guard("a name that rebinds is judged anew", _NET, "        why = ctx.policy.deny(address)", "        why = None", _REBIND),
    Guard("a resolver that a log names is a target", "bot/prober/dns.py", "    allowed = resolve(asked[0], ctx, ctx.clock.part(0.5)).allowed", "    allowed = [asked[0]]", _TEST + "a_resolver_named_by_a_log_is_a_target_too"),
    Guard("redirects are judged", _HTTP, "            found = resolve(self.target.host, self.ctx, self.ctx.clock.part(0.5))", "            found = resolve(self.target.host, self.ctx if not hasattr(self.ctx.clock, \"again\") else self.ctx._replace(policy=_trusted()), self.ctx.clock.part(0.5))\n            setattr(self.ctx.clock, \"again\", True)", _ASKING + "redirects_to_forbidden_places"),
    Guard("redirects lead to http alone", _HTTP, "        return url(urljoin(target.shown(), location))", "        return Target(*(urljoin(target.shown(), location).partition(':')[0], target.host, target.port, '/'))", _ASKING + "a_redirect_to_no_url_is_an_answer"),
    Guard("redirects are bounded", "bot/prober/http.py", "    for _ in range(MAX_REDIRECTS + 1):", "    for _ in range(MAX_REDIRECTS + 9):", _ASKING + "redirects_are_followed_and_counted"),
    Guard("proxies: the target is judged too", _HTTP, "            self.judged = resolve(self.target.host, self.ctx, self.ctx.clock.part(0.3)).allowed", "            self.judged = [self.target.host]", _PROXIED),
    Guard("proxies: metadata names", _HTTP, "        reason = policy.deny_name(self.target.host)\n        if reason:\n            raise Failed(\"denied\", reason, phase=\"policy\")\n        try:\n            self.judged = resolve(", "        try:\n            self.judged = [] if policy.deny_name(self.target.host) else resolve(", _PROXIED),
    Guard("proxies: a name that only the proxy knows", _HTTP, "            if policy.public:\n                raise Failed(", "            if False:\n                raise Failed(", _PROXIED),
    Guard("proxies: the judged address is what is asked for", _HTTP, "        if self.ctx.policy.public and self.judged:", "        if False:", _ASKING + "connect_through_a_proxy"),
    Guard("proxies: metadata is no proxy", _HTTP, '    return Policy("any")', '    class Open(Policy):\n        def deny(self, text: str) -> Any:\n            return None\n\n    return Open("any")', _ASKING + "a_metadata_address_is_no_proxy"),
    Guard("credentials in a URL are dropped", "bot/prober/target.py", "        name, number = host(parts.hostname or \"\"), parts.port", "        name, number = parts.netloc, parts.port", _ASKING + "a_credential_in_a_url_is_neither_sent_nor_told"),
    Guard("a URL of a probe is http", "bot/prober/target.py", '    if scheme not in ("http", "https") or number == 0:', "    if number == 0:", _ASKING + "bad_urls"),
    Guard("arguments: metadata addresses", "bot/triage/verb_values.py", "    return None if _POLICY.deny(str(address)) else str(address)", "    return str(address)", "tests/triage/test_verbs.py::test_what_no_vantage_may_probe_is_no_argument_either"),
    Guard("arguments: metadata names", "bot/triage/verb_values.py", "    if _POLICY.deny_name(value) or not", "    if not", "tests/triage/test_verbs.py::test_what_is_no_host"),
    Guard("arguments: addresses in disguise", "bot/triage/verb_values.py", ' and not re.fullmatch(r"\\d+|0[xX][0-9a-fA-F]*", value.split(".")[-1])', "", "tests/triage/test_verbs.py::test_what_is_no_host"),
    Guard("arguments: a URL with credentials", "bot/triage/verb_values.py", ' or "@" in parts.netloc', "", "tests/triage/test_verbs.py::test_what_is_no_url"),
    Guard("arguments: a URL with something blanked out", "bot/triage/verb_values.py", " or _REDACTED.search(value):", ":", "tests/triage/test_verbs.py::test_what_is_no_url"),
    Guard("a CI's redirect to metadata", "bot/outbound.py", '    if any(Policy("any").deny(str(address[4][0])) for address in found):', "    if False:", "tests/test_outbound.py::test_metadata_addresses_are_nobodys"),
    Guard("a CI's redirect to another scheme", "bot/outbound.py", '    if scheme not in ("http", "https") or not host:', "    if False:", "tests/test_outbound.py::test_metadata_addresses_are_nobodys"),
    Guard("a log's redirect is looked at", "bot/ci/github.py", "                await refuse_metadata(self.name, target)", "                pass", _LOGS),
    Guard("redirects stay within the origin", "bot/outbound.py", "            if origin(target) != origin(url) or", "            if", "tests/test_outbound.py::test_a_redirect_to_another_origin_is_refused"),
    Guard("credentials stay within the origin", "bot/outbound.py", "if origin(url) == origin(self.base_url) else {}", "if True else {}", "tests/test_outbound.py::test_credentials_stay_at_home"),
)  # fmt: skip
