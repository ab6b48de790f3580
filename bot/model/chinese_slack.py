"""What Slack shows, in Simplified Chinese: words.py, and the sentences of workflows. See chinese.py."""

SLACK: dict[str, str] = {
    # Slack: bot/slack/words.py
    "almost certain": "几乎确定",
    "very likely": "很可能",
    "likely": "可能性较大",
    "possible": "有可能",
    "a guess": "猜测",
    "{word} ({percent}%)": "{word}（{percent}%）",
    "A build failed; I am about to read its log": "有构建失败，正准备读取日志",
    "A build failed; I am reading its log": "有构建失败，正在读取日志",
    "A build failed; its log is read, I am testing the explanations": (
        "有构建失败，日志已读完，正在验证各种可能的原因"
    ),
    "The run passed after all": "这次运行其实通过了",
    "I could not look into this failure": "无法诊断这次失败",
    "A build failed; the cause is not known yet": "有构建失败，原因尚不清楚",
    "testing it now": "正在验证",
    "so far; the run is still going": "目前如此；运行尚未结束",
    "re-run asked for": "已请求重跑",
    "re-run under way": "正在重跑",
    "the re-run passed": "重跑已通过",
    "again, after the re-run": "重跑后仍是同一原因",
    "the re-run failed for another cause": "重跑因其他原因失败",
    "the re-run told nothing: please look": "重跑没有得出结论：请人工查看",
    "but the run passed": "但运行已通过",
    "then I got stuck": "随后无法继续",
    ":hourglass_flowing_sand: Fetching the build…": ":hourglass_flowing_sand: 正在获取构建信息…",
    ":mag: Reading the log…": ":mag: 正在读取日志…",
    ":satellite_antenna: Testing the explanations from where the build ran…": (
        ":satellite_antenna: 正在从构建所在环境验证各种可能的原因…"
    ),
    ":hourglass_flowing_sand: The run is still going: more jobs may fail. Buttons appear when it has finished.": (
        ":hourglass_flowing_sand: 运行尚未结束，可能还有任务失败。结束后会出现按钮。"
    ),
    ":arrows_counterclockwise: Sending the re-run…": ":arrows_counterclockwise: 正在发送重跑请求…",
    ":eyes: Re-run under way{attempt}; the outcome will stand here.": ":eyes: 正在重跑{attempt}；结果会显示在这里。",
    ":white_check_mark: *Recovered.* The re-run{attempt} passed.": (
        ":white_check_mark: *已恢复。* 重跑{attempt}已通过。"
    ),
    ":x: *The same cause again*{attempt}. Another re-run will not help.": (
        ":x: *重跑后仍是同一原因*{attempt}。再次重跑无济于事。"
    ),
    ":warning: *The re-run{attempt} failed with another cause.* See the answer for that attempt.": (
        ":warning: *重跑{attempt}因其他原因失败。* 请看那次尝试的诊断。"
    ),
    ":grey_question: *Inconclusive.* The re-run{attempt} told nothing; a person has to look.": (
        ":grey_question: *无法定论。* 重跑{attempt}没有得出结论，需要人工查看。"
    ),
    ":white_check_mark: The CI says that this run passed: nothing to do.": (
        ":white_check_mark: CI 显示这次运行已通过：无需处理。"
    ),
    ":no_entry: *I am stuck.*": ":no_entry: *无法继续。*",
    ":raised_hand: {who} asks to re-run the failed jobs. {approvals} of {needed} approvals{names}.": (
        ":raised_hand: {who} 请求重跑失败的任务。已有 {approvals} / {needed} 人批准{names}。"
    ),
    ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}.": (
        ":arrows_counterclockwise: {who} 请求重跑失败的任务{approved}。"
    ),
    ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}; sending it…": (
        ":arrows_counterclockwise: {who} 请求重跑失败的任务{approved}；正在发送…"
    ),
    ":arrows_counterclockwise: {who} asked for a re-run of the failed jobs{approved}: sent{attempt}.": (
        ":arrows_counterclockwise: {who} 请求重跑失败的任务{approved}：已发送{attempt}。"
    ),
    ":x: {who} asked for a re-run{approved}; *it was not done*.": ":x: {who} 请求重跑{approved}；*未能执行*。",
    ":grey_question: {who} asked for a re-run{approved}; *it is not certain whether it was sent*."
    " Please look at the run before you try again.": (
        ":grey_question: {who} 请求重跑{approved}；*无法确定是否已发送*。再试之前请先查看该运行。"
    ),
    ":no_entry_sign: {who} asked for a re-run; {decliner} declined it.": (
        ":no_entry_sign: {who} 请求重跑；{decliner} 拒绝了。"
    ),
    ":alarm_clock: {who} asked for a re-run; nobody decided in time, so it lapsed.": (
        ":alarm_clock: {who} 请求重跑；没有人及时处理，请求已失效。"
    ),
    "*Seen in the log*": "*日志证据*",
    "*Tried*": "*已探测*",
    "*Not tried:* {why}": "*未探测：* {why}",
    "*Try by hand*, where the build runs:": "*手工验证*（在构建所在环境执行）：",
    "*Why*": "*依据*",
    "*What to do:* {summary}": "*处理步骤：* {summary}",
    "*Also possible:* {others}": "*也有可能：* {others}",
    "Read more: {links}": "延伸阅读：{links}",
    "…and {n} more steps: `buildmedic playbook show {playbook}` has them all": (
        "…还有 {n} 个步骤：`buildmedic playbook show {playbook}` 可查看全部"
    ),
    "…and {n} more steps, in the playbook": "…还有 {n} 个步骤，见 playbook",
    "Cut to fit Slack; `buildmedic triage` with the run's URL shows all of it.": (
        "内容过长，已按 Slack 限制截断；用 `buildmedic triage` 加运行的 URL 可查看全部。"
    ),
    "…and {n} more causes: {ids}": "…还有 {n} 个原因：{ids}",
    "{n} more": "另有 {n} 个",
    "step {step}": "步骤 {step}",
    "not run": "未执行",
    "read {bytes}, {lines} lines": "已读 {bytes}，{lines} 行",
    ":warning: Only part of the log could be had ({read}){note}": ":warning: 只取到部分日志（{read}）{note}",
    ":warning: There was no log to read{note}": ":warning: 没有可读的日志{note}",
    ":warning: Reading the log failed on our side{note}": ":warning: 我们这边读取日志时出错{note}",
    " (and {n} more)": "（另有 {n} 个原因）",
    " of {job}": "（{job}）",
    " ({n} more like it)": "（另有 {n} 处类似）",
    " ({n} more not shown)": "（另有 {n} 项未显示）",
    "from {vantage}": "从 {vantage}",
    "run": "运行",
    "this run": "这次运行",
    "by {who}": "提交者 {who}",
    " (attempt {n})": "（第 {n} 次尝试）",
    " _{n} min so far_": " _已用 {n} 分钟_",
    " _{n} h so far_": " _已用 {n} 小时_",
    ", approved by {names}": "，批准人：{names}",
    "somebody": "有人",
    " Lapses {when}.": " 失效时间：{when}。",
    " May approve: {who}.": " 可批准的人：{who}。",
    "attempt {n}": "第 {n} 次尝试",
    "follows attempt {n}": "接第 {n} 次尝试",
    "the CI's notice": "CI 的通知",
    "asked by {who}": "由 {who} 发起",
    ":warning: {trouble}": ":warning: 注意：{trouble}",
    "probed from {vantage}": "探测点：{vantage}",
    "Re-run failed jobs": "重跑失败的任务",
    "Approve": "批准",
    "Decline": "拒绝",
    "Cause is right": "诊断正确",
    "Cause is wrong": "诊断有误",
    ":warning: *Before you re-run:* {caution}": ":warning: *重跑之前请注意：* {caution}",
    "Re-run the failed jobs?": "重跑失败的任务？",
    "{ci} will be asked, once, to run {jobs} of {run} again, as attempt {attempt}. I will watch it and write the"
    " outcome here. Your name will stand beside it.": (
        "将请求 {ci} 把 {run} 的{jobs}重跑一次（第 {attempt} 次尝试）。我会跟进并在这里写明结果，旁边会注明你的名字。"
    ),
    "Re-run": "重跑",
    "Not now": "暂不",
    "the failed job": "失败任务",
    "the {n} failed jobs": " {n} 个失败任务",
    "*buildmedic* reads the log of a failed build, tests what could explain it, and says what to do.\n"
    "`/medic triage URL` – look into a run or job now; the answer is posted here\n"
    "`/medic rerun URL` – re-run the failed jobs of a run\n"
    "`/medic rollback DEPLOY [REVISION]` – show what a rollback would change, and ask those who have to agree\n"
    "`/medic approvals` – what waits for approval\n"
    "`/medic status` – open cases, services, what I could not read\n"
    "`/medic pause`, `/medic resume` – stop all actions, and allow them again\n"
    "`/medic help` – this text\n"
    "Failures that a CI app reports in a watched channel are answered in their own thread, without asking.": (
        "*buildmedic* 读取失败构建的日志，验证可能的原因，并给出处理步骤。\n"
        "`/medic triage URL` – 立即诊断某次运行或任务；结果发在这里\n"
        "`/medic rerun URL` – 重跑某次运行中失败的任务\n"
        "`/medic rollback DEPLOY [REVISION]` – 说明回滚会改变什么，并请必须同意的人批准\n"
        "`/medic approvals` – 等待批准的请求\n"
        "`/medic status` – 进行中的诊断、各服务状态、未能识别的通知\n"
        "`/medic pause`、`/medic resume` – 暂停一切操作，以及恢复\n"
        "`/medic help` – 本帮助\n"
        "CI 应用在受关注频道里报告的失败，会直接在该消息的线程里回复，无需询问。"
    ),
    "`/medic {command}` needs the URL of a run or job, like"
    " `/medic {command} https://github.com/acme/shop/actions/runs/123`.": (
        "`/medic {command}` 需要运行或任务的 URL，"
        "例如 `/medic {command} https://github.com/acme/shop/actions/runs/123`。"
    ),
    "`/medic {command}` takes nothing after it.": "`/medic {command}` 后面不带参数。",
    "There is no `/medic {given}`. Did you mean `/medic {nearest}`? `/medic help` lists all.": (
        "没有 `/medic {given}` 这个命令。是不是想用 `/medic {nearest}`？`/medic help` 列出全部命令。"
    ),
    "`/medic {command}` is not in this release yet. `/medic help` lists what is.": (
        "当前版本还没有 `/medic {command}`。`/medic help` 列出可用的命令。"
    ),
    "Guests of this workspace cannot do that; please ask a full member.": "访客无法执行此操作；请联系正式成员。",
    "Only people of this bot's own workspace can do that; please ask one of them.": (
        "只有本 bot 所在 workspace 的成员可以执行此操作；请联系他们。"
    ),
    "Bots cannot do that; a person has to.": "bot 不能执行此操作，必须由人来做。",
    "I cannot do that: I have to check first that you are a full member of this workspace, and Slack does not let me"
    " look ({why}). Whoever runs the bot has to add the scope `users:read` to its Slack app and install it again.": (
        "无法执行：我必须先确认你是本 workspace 的正式成员，但 Slack 不允许我查询（{why}）。"
        "请 bot 的维护者为其 Slack app 添加 `users:read` 权限并重新安装。"
    ),
    "{why}. I have written your request down and keep trying.": "{why}。你的请求已记录，我会继续尝试。",
    "*buildmedic {version}* – {open} open cases, {read} notices read, {unread} not understood": (
        "*buildmedic {version}* – 进行中 {open} 个，已读通知 {read} 条，未能识别 {unread} 条"
    ),
    ":double_vertical_bar: Actions are {paused}": ":double_vertical_bar: 操作已{paused}",
    "Rollback of {app} ({environment}) from {current} to {target}": (
        "将 {app}（{environment}）从 {current} 回滚到 {target}"
    ),
    "Switching auto-sync of {app} ({environment}) on again": "重新开启 {app}（{environment}）的自动同步",
    "{app} · {environment} · ran {revision}": "{app} · {environment} · 回滚前运行 {revision}",
    "{kind} of {app} ({environment})": "{app}（{environment}）的{kind}",
    "{kind} waits for approval": "{kind}等待批准",
    "It got no answer, and nobody can say whether it arrived.": "没有得到回应，无法确定是否送达。",
    "actions were paused before it was sent (/medic status tells by whom): nothing was done": (
        "发送前操作已被暂停（/medic status 可查看由谁暂停）：没有执行任何操作"
    ),
    "Asked for: {link}": "已提交请求：{link}",
    "Already asked for by {who}: the re-run {how}.": "{who} 已经发起：重跑请求{how}。",
    "Already asked for by {who}: the rollback {how}.": "{who} 已经发起：回滚请求{how}。",
    "Already asked for by {who}: putting it back {how}.": "{who} 已经发起：恢复设置的请求{how}。",
    "Not allowed: {why}, so somebody else has to approve it.": "不允许：{why}，因此须由其他人批准。",
    "you asked for it": "请求由你发起",
    "you wrote the commit": "该提交由你编写",
    "*Latest cases*": "*最近的诊断*",
    "*Services*": "*服务*",
    # releases and rollbacks
    ":leftwards_arrow_with_hook: {who} asked for a re-run; it lapsed.": (
        ":leftwards_arrow_with_hook: {who} 请求重跑；请求已失效。"
    ),
    "Put back what was switched off": "恢复被关闭的设置",
    "{kind} of {app} ({environment}) to {target}": "{kind}：{app}（{environment}）到 {target}",
    "{kind} of {case}": "{kind}：{case}",
    "Rollback of {app} ({environment}) to {target}": "把 {app}（{environment}）回滚到 {target}",
    "{app} ({environment}) is {health}: the release failed": "{app}（{environment}）状态为 {health}：发布失败",
    "{app}: a release failed; I am looking at it": "{app}：有发布失败，正在查看",
    "{app} · {environment} · runs {revision}": "{app} · {environment} · 正在运行 {revision}",
    "approved": "已批准",
    "was not done": "未执行",
    "nobody knows whether it was done: please look": "无法确定是否已执行：请人工查看",
    "was declined": "被拒绝",
    "expired": "已过期",
    "lapsed, the world had moved": "已失效，情况有变",
    "under way": "进行中",
    "done, and healthy": "已完成，状态健康",
    "done, and it is no better": "已完成，但没有好转",
    "the outcome is not clear: please look": "结果不明：请人工查看",
    "done; what it had switched off is on again": "已完成；被关闭的设置已恢复",
    "*What changes*": "*将有的变化*",
    "*What changed*": "*发生的变化*",
    "{before}: {revision}{images}{deployed}": "{before}：{revision}{images}{deployed}",
    "back to: {revision}{images}{deployed} (entry {entry})": ("回到：{revision}{images}{deployed}（历史记录 {entry}）"),
    ", deployed {when}": "，部署于 {when}",
    " by {who}": "，部署者 {who}",
    "health {before}: {health}": "{before}的健康状态：{health}",
    ":electric_plug: {automatic} will be switched off for it, and stays off until somebody puts it back: a "
    "button for that comes here afterwards.": (
        ":electric_plug: 为此将关闭 {automatic}，并保持关闭，直到有人恢复：之后这里会出现恢复按钮。"
    ),
    "now": "当前",
    "before": "之前",
    ":electric_plug: {automatic} was switched off for it, and stays off until somebody puts it back.": (
        ":electric_plug: 为此已关闭 {automatic}，并保持关闭，直到有人恢复。"
    ),
    ":electric_plug: {automatic} was switched off for it, and is on again.": (
        ":electric_plug: 曾为此关闭 {automatic}，现已恢复。"
    ),
    ":warning: {warning}": ":warning: 警告：{warning}",
    "*What failed*\n{failed}": "*失败内容*\n{failed}",
    ":hourglass_flowing_sand: under way: {busy}": ":hourglass_flowing_sand: 进行中：{busy}",
    ":raised_hand: {who} asks for this rollback. {approvals} of {needed} approvals{names}.": (
        ":raised_hand: {who} 请求执行此回滚。已有 {approvals} / {needed} 人批准{names}。"
    ),
    ":rewind: {who} asked for this rollback{approved}.": ":rewind: {who} 请求执行此回滚{approved}。",
    ":rewind: {who} asked for this rollback{approved}; sending it…": (
        ":rewind: {who} 请求执行此回滚{approved}；正在发送…"
    ),
    ":rewind: {who} asked for this rollback{approved}: sent.": ":rewind: {who} 请求执行此回滚{approved}：已发送。",
    ":x: {who} asked for this rollback{approved}; *it was not done*.": (
        ":x: {who} 请求执行此回滚{approved}；*未能执行*。"
    ),
    ":grey_question: {who} asked for this rollback{approved}; *it is not certain whether it was done*. Please "
    "look at the application before you try again.": (
        ":grey_question: {who} 请求执行此回滚{approved}；*无法确定是否已执行*。再试之前请先查看该应用。"
    ),
    ":no_entry_sign: {who} asked for this rollback; {decliner} declined it.": (
        ":no_entry_sign: {who} 请求执行此回滚；{decliner} 拒绝了。"
    ),
    ":alarm_clock: {who} asked for this rollback; too few people approved in time, so it lapsed.": (
        ":alarm_clock: {who} 请求执行此回滚；规定时间内批准人数不足，请求已失效。"
    ),
    ":leftwards_arrow_with_hook: {who} asked for this rollback; it lapsed.": (
        ":leftwards_arrow_with_hook: {who} 请求执行此回滚；请求已失效。"
    ),
    ":raised_hand: {who} asks to put back what the rollback switched off. {approvals} of {needed} approvals{names}.": (
        ":raised_hand: {who} 请求恢复回滚时关闭的设置。已有 {approvals} / {needed} 人批准{names}。"
    ),
    ":electric_plug: {who} asked to put back what the rollback switched off{approved}.": (
        ":electric_plug: {who} 请求恢复回滚时关闭的设置{approved}。"
    ),
    ":electric_plug: {who} asked to put back what the rollback switched off{approved}; sending it…": (
        ":electric_plug: {who} 请求恢复回滚时关闭的设置{approved}；正在发送…"
    ),
    ":electric_plug: {who} put back what the rollback had switched off{approved}.": (
        ":electric_plug: {who} 已恢复回滚时关闭的设置{approved}。"
    ),
    ":x: {who} asked to put back what the rollback switched off{approved}; *it was not done*.": (
        ":x: {who} 请求恢复回滚时关闭的设置{approved}；*未能执行*。"
    ),
    ":grey_question: {who} asked to put it back{approved}; *it is not certain whether it was done*.": (
        ":grey_question: {who} 请求恢复设置{approved}；*无法确定是否已执行*。"
    ),
    ":no_entry_sign: {who} asked to put it back; {decliner} declined it.": (
        ":no_entry_sign: {who} 请求恢复设置；{decliner} 拒绝了。"
    ),
    ":alarm_clock: {who} asked to put it back; too few people approved in time, so it lapsed.": (
        ":alarm_clock: {who} 请求恢复设置；规定时间内批准人数不足，请求已失效。"
    ),
    ":leftwards_arrow_with_hook: {who} asked to put it back; it lapsed.": (
        ":leftwards_arrow_with_hook: {who} 请求恢复设置；请求已失效。"
    ),
    ":rewind: Sending it…": ":rewind: 正在发送…",
    ":eyes: Under way; I am watching its health, and write the outcome here.": (
        ":eyes: 进行中；正在观察健康状态，结果会写在这里。"
    ),
    ":white_check_mark: *Recovered.* The rollback is done, and the application is healthy.": (
        ":white_check_mark: *已恢复。* 回滚已完成，应用状态健康。"
    ),
    ":x: *No better.* The rollback failed, or what it brought back is unhealthy. A person has to look.": (
        ":x: *没有好转。* 回滚失败，或恢复的版本也不健康。需要人工查看。"
    ),
    ":grey_question: *Inconclusive*: a person has to look.": ":grey_question: *无法定论*：需要人工查看。",
    ":electric_plug: What the rollback had switched off is on again.": ":electric_plug: 回滚时关闭的设置已恢复。",
    "Earlier here: {what}": "此前：{what}",
    "{kind} asked by {who}: {state}{decided}": "{who} 请求的{kind}：{state}{decided}",
    "re-run": "重跑",
    "rollback": "回滚",
    "putting back": "恢复设置",
    ":information_source: I was away from {since} to {until}: clicks made in that time did not reach me. Who "
    "pressed then, please press again.": (
        ":information_source: 我在 {since} 到 {until} 期间不在线：这段时间的点击没有收到。当时点过的人请再点一次。"
    ),
    "Roll back {app}…": "回滚 {app}…",
    "Roll back {app}?": "回滚 {app}？",
    "{environment}: from {current} back to {target}. {approval} Your name will stand beside it.": (
        "{environment}：从 {current} 回到 {target}。{approval}旁边会注明你的名字。"
    ),
    "Nothing happens before those who have to agree have agreed.": "在必须同意的人都同意之前，什么都不会发生。",
    "Put it back?": "恢复设置？",
    "Auto-sync will be as it was, and deploys what git says: if git still has the bad release, it comes back.": (
        "auto-sync 会恢复原样，并按 git 中的内容部署：如果 git 里仍是有问题的版本，它会再次上线。"
    ),
    "Ask for it": "提出请求",
    "Approve this?": "批准吗？",
    "{what} Your name will stand beside it.": "{what} 旁边会注明你的名字。",
    "`/medic rollback` needs the name of a deploy, and takes a revision: `/medic rollback checkout`, `/medic "
    "rollback checkout 7c1d2e3`.": (
        "`/medic rollback` 需要 deploy 的名称，可以再带一个版本：`/medic rollback checkout`、`/medic rollback "
        "checkout 7c1d2e3`。"
    ),
    "Nothing waits for approval.": "没有等待批准的请求。",
    "*Waiting for approval*": "*等待批准*",
    "• {what}: {approvals} of {needed} approvals, asked by {who}{lapses}{link}": (
        "• {what}：已有 {approvals} / {needed} 人批准，由 {who} 发起{lapses}{link}"
    ),
    "Actions are paused by {who} (`/medic resume` ends that).": "操作已被 {who} 暂停（`/medic resume` 可恢复）。",
    "Already decided by {who}: {state}.": "已由 {who} 决定：{state}。",
    "Already decided: {state}.": "已经决定：{state}。",
    "Asked for: see the message in this channel.": "已提交请求：见本频道的消息。",
    "It broke off while we asked, and nobody can say whether it arrived.": "请求发送途中中断，无法确定是否送达。",
    "It told nothing in time: a person has to look.": "没有在规定时间内给出结果：需要人工查看。",
    "Paused: nothing will be re-run or rolled back, approved or not, until `/medic resume`.": (
        "已暂停：在 `/medic resume` 之前，无论是否已批准，都不会重跑或回滚。"
    ),
    "The world has moved since this button was shown: look at the message again, and press once more.": (
        "按钮显示之后情况有变：请重新查看消息，再点一次。"
    ),
    "There is no deploy {name} (known: {names}).": "没有名为 {name} 的 deploy（已知：{names}）。",
    "This button has expired. `/medic rerun URL` or `/medic rollback DEPLOY` does the same.": (
        "按钮已过期。可以改用 `/medic rerun URL` 或 `/medic rollback DEPLOY`。"
    ),
    "What you were shown has changed since: look at the message again before you decide.": (
        "你看到的内容已有变化：决定之前请重新查看消息。"
    ),
    "Your click came through only now, {n} minutes late: nothing was done. Look again, press again.": (
        "你的点击迟了 {n} 分钟才送达：没有执行任何操作。请重新查看，再点一次。"
    ),
    # what the workflow says (kept in English, heard where it is shown)
    "paused by {who}": "由 {who} 暂停",
    "waits for approval": "正在等待批准",
    "is being sent": "正在发送",
    "was sent": "已发送",
    "may have been sent; a person has to look": "可能已发送，需要人工查看",
    "Asked for: the answer is in the run's thread.": "已提交请求：结果见该运行的线程。",
    "Counted. {n} more approval(s) needed.": "已计入。还需要 {n} 人批准。",
    "It failed again, and its log could not be read.": "再次失败，且日志无法读取。",
    "It failed again; the log does not tell whether for the same cause.": "再次失败；日志看不出是否为同一原因。",
    "Known already: {state}.": "已在处理：{state}。",
    "Known already ({state}): {link}": "已在处理（{state}）：{link}",
    "Not allowed: {why}.": "不允许：{why}。",
    "bots may not do this": "bot 不能执行此操作",
    "only people of this bot's own workspace may do this": "只有本 bot 所在 workspace 的成员可以执行此操作",
    "guests may not do this": "访客不能执行此操作",
    "you are not among its approvers": "你不在批准人之列",
    "no approvers are configured for it": "没有为它配置批准人",
    "the user group {group} could not be resolved, which counts as no": "用户组 {group} 无法解析，按不允许处理",
    "On it: {repository} run {run}, attempt {attempt}. The answer comes here.": (
        "开始诊断：{repository} 运行 {run}，第 {attempt} 次尝试。结果会发在这里。"
    ),
    "{repository} run {run}, attempt {attempt}, is “{outcome}”: nothing failed.": (
        "{repository} 运行 {run} 第 {attempt} 次尝试的状态是“{outcome}”：没有失败。"
    ),
    "Resumed: actions work again.": "已恢复：操作重新可用。",
    "Thank you, noted.": "谢谢，已记录。",
    "That is no run or job of a configured CI ({names}): {url}": "这不是已配置的 CI（{names}）的运行或任务：{url}",
    "That run is still under way; a re-run is possible once it has finished.": "该次运行尚未结束；结束后才能重跑。",
    "That run is “{outcome}”: there is no failed job to re-run.": (
        "该次运行的状态是“{outcome}”：没有可重跑的失败任务。"
    ),
    "The new attempt ended as “{outcome}”: a person has to look.": "新的尝试以“{outcome}”结束：需要人工查看。",
    "The run is still under way; a re-run is possible once it has finished.": "运行尚未结束；结束后才能重跑。",
    "This button is not known here (any more).": "这个按钮（已）无法识别。",
    "This request has expired: ask again.": "请求已过期：请重新发起。",
    "You have approved this already; another person has to.": "你已经批准过了；需要另一个人批准。",
    "buildmedic itself failed here ({why}); its log has the details.": "buildmedic 自身出错（{why}）；详情见其日志。",
    "buildmedic itself failed here: a person has to look.": "buildmedic 自身出错：需要人工查看。",
    "{error}. Trying on.": "{error}。继续尝试中。",
    "{n} jobs failed; the logs of the first {read} were read.": "{n} 个任务失败；读取了前 {read} 个的日志。",
    "no vantage is configured for the runner of this job ({runner}; {labels})": (
        "没有为该任务的 runner 配置探测点（{runner}；{labels}）"
    ),
    "name unknown": "名称未知",
    "no labels": "无标签",
    "no vantage was named (--vantage NAME probes from there)": "没有指定探测点（用 --vantage NAME 指定）",
    "there is no control vantage": "没有对照探测点",
    "{vantage} did not answer within {seconds} s": "{vantage} 在 {seconds} 秒内没有响应",
    "the run failed before any of its jobs did: there is no job log": "运行在任何任务失败之前就失败了：没有任务日志",
    "no log after {seconds} s: {error}": "{seconds} 秒后仍没有日志：{error}",
    "Already done by {who}: the re-run {how}.": "{who} 已经操作过：重跑请求{how}。",
    "Already done by {who}: the rollback {how}.": "{who} 已经操作过：回滚请求{how}。",
    "Already done by {who}: putting it back {how}.": "{who} 已经操作过：恢复设置的请求{how}。",
    "it is approved and being sent": "已批准，正在发送",
    "it is being sent": "正在发送",
    "it was sent": "已发送",
    "it was tried and failed": "尝试过，但失败了",
    "it may have been sent; a person has to look": "可能已发送，需要人工查看",
    "it was declined": "已被拒绝",
    "it expired": "已过期",
    "it lapsed, since the world had moved": "情况有变，请求已失效",
    "The evidence has changed since this was asked for: look again, and ask anew.": (
        "请求提出之后证据有变化：请重新查看，再次发起。"
    ),
    "There is nothing to decide.": "没有需要决定的请求。",
    "it could not be reached; nothing was done": "无法连接；没有执行任何操作",
    "asked for before a break of ours; it did arrive": "请求在我们中断之前已发出，并已送达",
}
