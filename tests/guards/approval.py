"""Who may act, and what is looked at before anything leaves."""

from tests.guards.guard import Guard

_DECIDE = "bot/triage/approve.py"
_REQUESTS = "bot/workflow/requests.py"
_DESK = "bot/workflow/desk.py"
_ACT = "bot/workflow/act.py"
_RULES = "tests/triage/test_approve.py::test_"
_MACHINE = "tests/triage/test_approve_machine.py::test_no_history_acts_without_its_quorum"
_ASKED = "tests/workflow/test_requests.py::test_"
_SENT = "tests/workflow/test_act.py::test_"

APPROVAL = (
    Guard("bots do nothing", _DECIDE, "    if person.is_bot:", "    if False:", _RULES + "outsiders_neither_ask_nor_vote"),
    Guard("other workspaces do nothing", _DECIDE, " or person.team != home_team:", ":", _RULES + "outsiders_neither_ask_nor_vote"),
    Guard("an unknown home workspace means no", _DECIDE, "    if home_team is None or person.team", "    if home_team is not None and person.team", _RULES + "an_unknown_home_workspace_means_no"),
    Guard("guests do nothing", _DECIDE, "    if person.is_guest:", "    if False:", _RULES + "outsiders_neither_ask_nor_vote"),
    Guard("the kill switch stops requests and approvals", _DECIDE, 'if facts.paused is not None and verb != "decline":', "if False:", _RULES + "the_kill_switch_stops_requests_and_approvals_and_no_veto"),
    Guard("a veto works while paused", _DECIDE, ' and verb != "decline":', ":", _RULES + "the_kill_switch_stops_requests_and_approvals_and_no_veto"),
    Guard("what was shown has to be what stands", _DECIDE, "if facts.shown is not None and facts.shown != facts.stands:", "if False:", _RULES + "what_was_shown_has_to_be_what_stands"),
    Guard("what is decided is decided", _DECIDE, 'if action.state != "waiting":', "if False:", _RULES + "what_is_decided_is_decided"),
    Guard("a request expires", _DECIDE, " and now >= action.expires:", " and False:", _RULES + "with_approvals_a_request_waits_until_it_expires"),
    Guard("a late vote ends a request and counts for nothing", _DECIDE, "if lapsed := expire(action, facts.now):", "if False and (lapsed := action):", _RULES + "with_approvals_a_request_waits_until_it_expires"),
    Guard("only approvers approve and decline", _DECIDE, '    if why := _may_not_approve(person.user, policy, facts):\n        return _no(f"Not allowed: {why}.")', "", _RULES + "one_decline_by_an_approver_ends_it_and_others_cannot"),
    Guard("only approvers approve and decline (any history)", _DECIDE, '    if why := _may_not_approve(person.user, policy, facts):\n        return _no(f"Not allowed: {why}.")', "", _MACHINE),
    Guard("a user group that cannot be resolved is a no", _DECIDE, "            if members is None:\n                unresolved.append(group)", "            if members is None:\n                return None", _RULES + "a_group_that_cannot_be_resolved_is_a_no"),
    Guard("the requester does not count", _DECIDE, "    if user == action.requested_by:", "    if False:", _RULES + "the_requester_and_the_author_do_not_count"),
    Guard("the commit's author does not count", _DECIDE, 'return "you wrote the commit" if user in facts.authors else None', "return None", _RULES + "the_requester_and_the_author_do_not_count"),
    Guard("one's own work is looked for with each vote", _DECIDE, "    if why := _own(person.user, action, policy, facts):", "    if why := None:", _MACHINE),
    Guard("one person is one vote", _DECIDE, "    if person.user in action.approvals:", "    if False:", _RULES + "two_distinct_people_make_the_quorum"),
    Guard("the quorum is counted", _DECIDE, "    if len(votes) >= needed:", "    if True:", _RULES + "two_distinct_people_make_the_quorum"),
    Guard("the quorum is counted (any history)", _DECIDE, "    if len(votes) >= needed:", "    if len(votes) >= needed - 1:", _MACHINE),
    Guard("a policy that was tightened meanwhile counts", _DECIDE, "max(action.needed, policy.approvals, 1)", "max(action.needed, 1)", _RULES + "a_policy_that_was_tightened_meanwhile_counts"),
    Guard("a policy that was loosened meanwhile does not", _DECIDE, "max(action.needed, policy.approvals, 1)", "max(policy.approvals, 1)", _MACHINE),
    Guard("votes of people who may no longer approve drop out", _DECIDE, "if _may_not_approve(u, policy, facts) is None]", "]", _RULES + "a_vote_of_somebody_who_may_not_approve_any_more_drops_out"),
    Guard("votes that would be one's own by now drop out", _DECIDE, "u for u in able if _own(u, action, policy, facts) is None)", "able)", _RULES + "a_vote_that_would_be_ones_own_by_now_drops_out"),
    Guard("a request waits where approvals are needed", _DECIDE, "    if policy.approvals <= 0:", "    if True:", _RULES + "with_approvals_a_request_waits_until_it_expires"),
    Guard("with self-approval only an approver's request is a vote", _DECIDE, "    if policy.self_approval and _may_not_approve(person.user, policy, facts) is None:", "    if policy.self_approval:", _RULES + "with_self_approval_the_request_is_a_vote_where_the_asker_may_approve"),
    Guard("nobody named means nobody", _DECIDE, '        return "no approvers are configured for it"', "        return None", _RULES + "no_approvers_means_that_nobody_may"),
    # around the decision
    Guard("an unknown environment takes two of nobody", _REQUESTS, "approve.Policy(approvals=2))", "approve.Policy())", _ASKED + "an_environment_that_nobody_described_can_be_approved_by_nobody"),
    Guard("of several environments the strictest decides", _REQUESTS, "max(policies, key=lambda p: (p.approvals, not p.self_approval), default=", "next(iter(policies), ", _ASKED + "of_several_environments_the_strictest_decides"),
    Guard("all environments of a run are kept", "bot/workflow/triage.py", '        fields["environments"] = several', "        pass", _ASKED + "of_several_environments_the_strictest_decides"),
    Guard("an outsider's press ends nothing", _REQUESTS, "            if stranger is not None:", "            if False:", _ASKED + "outsiders_do_not_vote_nor_make_anything_lapse"),
    Guard("new evidence makes a request lapse", _REQUESTS, "            if moved:", "            if False:", _ASKED + "new_evidence_makes_a_waiting_request_lapse"),
    Guard("a request is bound to the causes that were shown", "bot/workflow/offers.py", "sorted(causes, key=str), bound", "bound", _ASKED + "new_evidence_makes_a_waiting_request_lapse"),
    Guard("a request is bound to the commit", "bot/workflow/offers.py", "case.id, kind, commit,", "case.id, kind,", _ASKED + "another_commit_makes_a_waiting_request_lapse"),
    Guard("a request is bound to the plan", "bot/workflow/offers.py", "[*target(plan), plan.automatic] if plan else None", "None", _ASKED + "a_rollback_button_stands_for_the_plan_that_was_shown"),
    Guard("a re-run button is bound to what was shown", _DESK, "plan, shown=known.digest)", "plan)", _ASKED + "a_button_from_before_the_evidence_changed_asks_for_nothing"),
    Guard("a vote button is for one request", _REQUESTS, '{"stands": vote_digest(action)}', '{"stands": facts.shown}', _ASKED + "a_vote_button_is_for_one_request_alone"),
    Guard("a rollback button is for the plan that was shown", _DESK, '        if digest(case, "rollback", plan) != shown:', "        if False:", _ASKED + "a_rollback_button_stands_for_the_plan_that_was_shown"),
    Guard("one request for each case", _REQUESTS, '        if action is not None and action.state in ("approved", "sending", "waiting"):\n            return _stands(action)\n', "", _ASKED + "a_restore_does_not_replace_what_is_under_way"),
    Guard("what was done is not done again", _REQUESTS, "        if action is not None and action.state not in OVER and not", "        if False and not", _ASKED + "one_request_for_each_case"),
    Guard("one rollback for each target", _REQUESTS, "its is not None and its.state in _BUSY:", "False:", _ASKED + "one_rollback_for_each_target"),
    Guard("a restore that waits comes first too", _REQUESTS, "in self._context.store.recent_cases(1000):", 'in self._context.store.recent_cases(1000, ["acting", "watching", "diagnosed"]):', _ASKED + "a_restore_that_waits_under_an_old_release_comes_first_too"),
    Guard("what still runs is not re-run", _REQUESTS, '        if kind == "rerun" and case.build', "        if False and case.build", _ASKED + "what_still_runs_is_not_re_run"),
    Guard("authors are looked up for votes", _REQUESTS, "        if not policy.self_approval:", "        if False:", _ASKED + "the_author_is_known_by_configuration_and_by_e_mail"),
    Guard("authors of what is rolled back count too", _REQUESTS, "plan.current.author if plan else None", "None", _ASKED + "the_authors_of_what_is_rolled_back_count_as_authors"),
    Guard("an author is no stranger while Slack is away", _REQUESTS, "                    except Refused:", "                    except (Refused, Unavailable):", _ASKED + "an_author_is_no_stranger_while_slack_cannot_be_asked"),
    Guard("a vote is for outsiders at no entrance: feedback", _DESK, "who: Who) -> str:\n        if why := self._outsider(who):\n            return why\n        detail", "who: Who) -> str:\n        detail", _ASKED + "outsiders_are_refused_at_every_entrance"),
    Guard("outsiders do not pause", _DESK, "on: bool, who: Who) -> str:\n        if why := self._outsider(who):\n            return why\n", "on: bool, who: Who) -> str:\n", _ASKED + "outsiders_are_refused_at_every_entrance"),
    Guard("outsiders ask for no triage", _DESK, "    async def triage(self, url: str, channel: str, who: Who) -> str:\n        if why := self._outsider(who):\n            return why\n", "    async def triage(self, url: str, channel: str, who: Who) -> str:\n", _ASKED + "outsiders_are_refused_at_every_entrance"),
    Guard("outsiders open no case of a rollback", _DESK, "channel: str, who: Who) -> str:\n        if why := self._outsider(who):\n            return why\n        known", "channel: str, who: Who) -> str:\n        known", _ASKED + "outsiders_are_refused_at_every_entrance"),
    Guard("outsiders press no rollback button", _DESK, "        if why := self._outsider(who):\n            return why\n        deploy, offered", "        deploy, offered", _ASKED + "outsiders_are_refused_at_every_entrance"),
    Guard("buttons expire", _DESK, '        if unix() > known.expires and known.action not in ("approve", "decline"):', "        if False:", _ASKED + "a_button_that_acts_expires"),
    Guard("a click that comes much too late does nothing", _DESK, "if at is not None and unix() - at > self._context.pace.click_limit:", "if at is None and (at := 0.0):", _ASKED + "a_click_that_comes_much_too_late_does_nothing"),
    # sending
    Guard("only what is approved is sent", _ACT, '    elif action.state != "approved":\n        return action.state\n', "", _SENT + "what_is_not_approved_is_not_sent"),
    Guard("the kill switch is looked at again before sending", _ACT, 'if context.store.get_flag("paused") is not None:', "if False:", _SENT + "the_kill_switch_is_looked_at_again_before_sending"),
    Guard("after a crash the other side is asked", _ACT, '    if action.state == "sending":\n        happened = await deed', "    if False:\n        happened = await deed", _SENT + "after_a_crash_what_arrived_is_not_sent_again"),
    Guard("what arrived is not sent again", _ACT, "        if happened:\n            return _record(context, case, action, \"sent\", \"asked", "        if False:\n            return _record(context, case, action, \"sent\", \"asked", _SENT + "after_a_crash_what_arrived_is_not_sent_again"),
    Guard("what nobody can tell goes to a person", _ACT, "        if happened is None:\n            why", "        if False:\n            why", _SENT + "what_nobody_can_tell_goes_to_a_person"),
    Guard("compare and swap before sending", _ACT, "    if not _claim(context, case, action):", "    if not _claim(context, case, action) and False:", _SENT + "an_action_that_changed_under_our_hands_is_looked_at_anew"),
    Guard("intent is written before the request", _ACT, '        sending = action.model_copy(update={"state": "sending"})', "        sending = action", _SENT + "after_a_crash_what_arrived_is_not_sent_again"),
    Guard("giving up asks whether the last try arrived", _ACT, ' if action.state == "sending" else False', " if False else False", _SENT + "whoever_gives_up_asks_first_whether_the_last_try_arrived"),
    Guard("a world that moved makes the request lapse", _ACT, '        return _record(context, case, action, "lapsed",', '        return _record(context, case, action, "failed",', _SENT + "a_no_of_the_other_side_is_final"),
    Guard("Argo CD: a plan is not for another world", "bot/deploy/argocd.py", "        if argocd_judge.begun(app, plan) is not False or str(app.last_id)", "        if False and str(app.last_id)", "tests/deploy/test_argocd.py::test_a_sync_that_failed_since_the_plan_is_a_move_too"),
    Guard("Argo CD: a new history entry is a move", "bot/deploy/argocd.py", ' or str(app.last_id) != plan.marks.get("history"):', ":", "tests/deploy/test_argocd.py::test_a_new_entry_is_a_move_even_where_the_operation_is_not_told"),
    Guard("Argo CD: the entry still has the planned revision", "bot/deploy/argocd.py", "        if entry is None or", "        if entry is not None and False and", "tests/deploy/test_argocd.py::test_an_entry_that_has_left_the_history"),
    Guard("Argo CD: auto-sync is as the plan noted it", "bot/deploy/argocd.py", '        if app.auto and _note(app) != plan.undo.get("automated"):', "        if False:", "tests/deploy/test_argocd.py::test_auto_sync_that_changed_since_the_plan"),
    Guard("Argo CD: a plan of another application", "bot/deploy/argocd.py", "        if (plan.deploy, plan.app) != (self.name, self.app):", "        if False:", "tests/deploy/test_argocd.py::test_a_plan_of_another_application"),
)  # fmt: skip
