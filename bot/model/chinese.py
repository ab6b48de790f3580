"""Everything the bot itself says, in Simplified Chinese, by the English text. Playbooks have their own translations.

Terms that engineers in China use in English stay English (runner, GOPROXY, TLS, playbook); commands are not translated.
tests/model/test_language.py finds what is missing here, what is left over, and holes that differ.
"""

CHINESE: dict[str, str] = {
    # the diagnosis in words (bot/triage/wording.py)
    "seen in line {line}: {text}{more}": "日志第 {line} 行：{text}{more}",
    " (and {n} more like it)": "（另有 {n} 处类似）",
    "ruled out: {cause}{why}": "已排除：{cause}{why}",
    "line {line} says the same ({playbook})": "第 {line} 行也指向同一原因（{playbook}）",
    "only a part of the log was read: {why}": "日志只读到一部分：{why}",
    "the rest could not be had": "其余部分取不到",
    "this playbook is experimental: it explains and proposes nothing": "该 playbook 处于试验阶段：只解释，不建议操作",
    "tried from {vantage}: {what}: {came}": "已从 {vantage} 探测：{what}：{came}",
    "the probes do not settle it: the confidence is that of the line alone": (
        "探测结果不足以定论：置信度仅来自日志这一行"
    ),
    "not tried from where the build ran: {why}": "没有从构建所在环境探测：{why}",
    "not tried, since the log gives no usable values for it: {names}": "没有探测，因为日志里没有可用的参数值：{names}",
    "tried, and the probe itself failed: {what}: {why}": "探测过，但探测本身失败了：{what}：{why}",
    "not tried from elsewhere: {what}: {why}": "没有从别处探测：{what}：{why}",
    "not tried: {what}: {why}": "没有探测：{what}：{why}",
    "no vantage ran it": "没有探测点执行它",
    "the server answers {status}": "服务器返回 {status}",
    "an error": "错误",
    ", issued by {issuer}": "，签发者 {issuer}",
    "nothing is set": "什么都没有设置",
    " (fill in {names}: the log gives no usable value)": "（请自行填写 {names}：日志里没有可用的值）",
    "There is no log (yet){note}": "（暂时）没有日志{note}",
    "Triage the run again once its log is there": "等日志出来后再诊断一次",
    "The log could not be matched, the engine failed on it{note}": "日志无法匹配，引擎在处理时出错{note}",
    "Read the log by hand, and report this": "请人工查看日志，并反馈此问题",
    "Only a part of the log could be read, and nothing in it fits{note}": "只读到部分日志，其中没有匹配项{note}",
    "Triage it again when the whole log can be had; until then, read it by hand": (
        "等能取到完整日志后再诊断；在此之前请人工查看"
    ),
    "The log is empty": "日志是空的",
    "See in the CI whether the job printed anything, or died before it could": (
        "到 CI 里确认任务有没有输出，还是没来得及输出就退出了"
    ),
    "The log was read to its end, and no playbook fits": "日志已读完，没有匹配的 playbook",
    "Start from the last command that the log shows": "从日志中最后一条命令查起",
    "Start from the log's last lines": "从日志最后几行查起",
    "read and matched: 1 line, {bytes} bytes": "已读取并匹配：1 行，{bytes} 字节",
    "read and matched: {lines} lines, {bytes} bytes": "已读取并匹配：{lines} 行，{bytes} 字节",
    "line {line} looks like {playbook}, and does not count: {why}": (
        "第 {line} 行看起来像 {playbook}，但不算数：{why}"
    ),
    "The last command in the log: {command}": "日志中最后一条命令：{command}",
    "The log ends with: {lines}": "日志结尾：{lines}",
    "If you find the cause: write a playbook for its line, so that it is known the next time": (
        "找到原因后：请为这一行写一个 playbook，下次就能认出来"
    ),
    # where a fact is missing
    "the server": "服务器",
    "the resolver": "DNS 服务器",
    "the URL": "该 URL",
    "the proxy": "代理",
    "the module": "该模块",
    "the image": "镜像",
    "the port": "该端口",
    "the tool": "该工具",
    "the test": "该测试",
    "the registry": "仓库",
    "this version": "该版本",
    "the package": "该软件包",
    "(not known)": "（未知）",
    "yes": "是",
    "no": "否",
    # what came of a probe
    "works": "正常",
    "no answer in time": "超时无响应",
    "refused": "被拒绝",
    "cut by the other side": "被对端断开",
    "no route": "无路由",
    "forbidden on the way": "途中被禁止",
    "the name does not exist (NXDOMAIN)": "域名不存在（NXDOMAIN）",
    "the resolver failed (SERVFAIL)": "DNS 服务器出错（SERVFAIL）",
    "the resolver refuses (REFUSED)": "DNS 服务器拒绝查询（REFUSED）",
    "the name has no such record": "该域名没有这类记录",
    "a certificate that is not trusted": "证书不受信任",
    "a certificate that has expired, or is not valid yet": "证书已过期，或尚未生效",
    "a certificate for another name": "证书与域名不匹配",
    "the TLS handshake failed": "TLS 握手失败",
    "the proxy wants credentials (407)": "代理要求认证（407）",
    "the proxy failed": "代理出错",
    "the answer broke off": "响应中途断开",
    "too slow": "太慢",
    # probes
    "DNS lookup of {host}": "DNS 查询 {host}",
    "TCP connection to {host} port {port}": "TCP 连接 {host} 端口 {port}",
    "TLS handshake with {host} port {port}": "与 {host} 端口 {port} 的 TLS 握手",
    "HTTP request for {url}": "HTTP 请求 {url}",
    "look at the environment": "查看环境变量与配置",
    " at {server}": "（DNS 服务器 {server}）",
    " through the proxy": "（经代理）",
    " without the proxy": "（不经代理）",
    # steps that are not safe to repeat
    "{what} publishes: part of it may be out already, and most registries refuse the same version twice."
    " Look at what is out before you re-run": (
        "{what} 会发布制品：可能已经发布了一部分，而且多数仓库不接受同一版本发布两次。重跑前请先确认已发布的内容"
    ),
    "{what} pushes under a name that can move: running it again replaces what others may have taken."
    " Look at what was pushed before you re-run": (
        "{what} 会推送到可变的 tag：重跑会覆盖别人可能已经拉取的内容。重跑前请先确认已推送的内容"
    ),
    "{what} deploys: it may have been done in part. Look at what runs now before you re-run": (
        "{what} 会执行部署：可能已完成一部分。重跑前请先确认线上正在运行的版本"
    ),
    "{what} changes a database: it may have been done in part. See which migrations were applied before you re-run": (
        "{what} 会变更数据库：可能已执行一部分。重跑前请先确认哪些迁移已经生效"
    ),
    "{what} changes infrastructure: it may have been done in part. Look at the state and the plan before you re-run": (
        "{what} 会变更基础设施：可能已执行一部分。重跑前请先查看 state 和 plan"
    ),
    # the command line's report
    "Seen in the log": "日志证据",
    "Probes": "探测",
    "Why": "依据",
    "What to do": "处理步骤",
    "Less likely": "其他可能",
    "Not tried": "未探测",
    ", {percent} sure": "，置信度 {percent}",
    " (playbook {playbook})": "（playbook {playbook}）",
    "and {n} more like it": "另有 {n} 处类似",
    "line {line}: ": "第 {line} 行：",
    "a re-run is worth a try": "值得重跑一次",
    "and {n} more (--json shows all)": "还有 {n} 个（--json 查看全部）",
    "no probe ran from where the build ran: {why}": "没有从构建所在环境探测：{why}",
    "by hand, on the runner:": "可在 runner 上手工执行：",
    "Log: {bytes} bytes, {lines} lines, {state}{note}; {ms} ms": (
        "日志：{bytes} 字节，{lines} 行，{state}{note}；用时 {ms} ms"
    ),
    "read to the end": "已读完",
    "only a part could be read": "只读到一部分",
    "there was no log": "没有日志",
    "the engine failed on it": "引擎处理出错",
    " from {vantage}": "（从 {vantage}）",
    "did not run{where}: {why}": "未执行{where}：{why}",
    "{n} jobs failed; the logs of the first {read} were read": "{n} 个任务失败；读取了前 {read} 个的日志",
    "from the log of job {name}": "来自任务 {name} 的日志",
    "The run has not finished, and no job has failed so far": "运行尚未结束，目前没有任务失败",
    "Ask again when it ends": "等它结束后再查",
    "The run did not fail: {outcome}": "这次运行没有失败：{outcome}",
    "Nothing to do": "无需处理",
    "The run failed, and none of its jobs did": "运行失败了，但没有任何任务失败",
    "Look at the run's own page": "请查看该运行的页面",
    "the CI says: {outcome}": "CI 的说法：{outcome}",
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
    " Lapses <!date^AT^{date_short_pretty} at {time}|at AT UNIX time>.": (
        " 失效时间：<!date^AT^{date_short_pretty} {time}|UNIX 时间 AT>。"
    ),
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
    "`/medic status` – open cases, services, what I could not read\n"
    "`/medic pause`, `/medic resume` – stop all actions, and allow them again\n"
    "`/medic help` – this text\n"
    "Failures that a CI app reports in a watched channel are answered in their own thread, without asking.": (
        "*buildmedic* 读取失败构建的日志，验证可能的原因，并给出处理步骤。\n"
        "`/medic triage URL` – 立即诊断某次运行或任务；结果发在这里\n"
        "`/medic rerun URL` – 重跑某次运行中失败的任务\n"
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
    ":double_vertical_bar: Actions are paused: {paused}": ":double_vertical_bar: 操作已暂停：{paused}",
    "*Latest cases*": "*最近的诊断*",
    "*Services*": "*服务*",
    # what the workflow says (kept in English, heard where it is shown)
    "Actions are paused (`/medic resume` ends that).": "操作已暂停（`/medic resume` 可恢复）。",
    "Actions are paused (`/medic resume`).": "操作已暂停（`/medic resume`）。",
    "paused by {who}": "由 {who} 暂停",
    "Already done by {who}: the re-run {how}.": "{who} 已经操作过：重跑请求{how}。",
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
    "Not allowed: you asked for it, so somebody else has to approve it.": "不允许：请求是你提出的，必须由他人批准。",
    "Not allowed: you wrote the commit, so somebody else has to approve it.": (
        "不允许：提交是你写的，必须由他人批准。"
    ),
    "On it: {repository} run {run}, attempt {attempt}. The answer comes here.": (
        "开始诊断：{repository} 运行 {run}，第 {attempt} 次尝试。结果会发在这里。"
    ),
    "{repository} run {run}, attempt {attempt}, is “{outcome}”: nothing failed.": (
        "{repository} 运行 {run} 第 {attempt} 次尝试的状态是“{outcome}”：没有失败。"
    ),
    "Paused: nothing will be re-run until `/medic resume`.": "已暂停：在 `/medic resume` 之前不会重跑任何任务。",
    "Resumed: actions work again.": "已恢复：操作重新可用。",
    "Thank you, noted.": "谢谢，已记录。",
    "That is no run or job of a configured CI ({names}): {url}": "这不是已配置的 CI（{names}）的运行或任务：{url}",
    "That run is still under way; a re-run is possible once it has finished.": "该次运行尚未结束；结束后才能重跑。",
    "That run is “{outcome}”: there is no failed job to re-run.": (
        "该次运行的状态是“{outcome}”：没有可重跑的失败任务。"
    ),
    "The bot stopped while asking, and the CI cannot say whether it did.": (
        "bot 在发送请求时中断，CI 也无法确认是否已收到。"
    ),
    "asked for before a restart of the bot; the new attempt exists": "请求在 bot 重启前已发出；新的尝试已存在",
    "the CI could not be reached; nothing was re-run": "无法连接 CI；没有重跑任何任务",
    "The diagnosis has changed since this button was shown: look at the message again.": (
        "按钮显示之后诊断已有变化：请重新查看消息。"
    ),
    "The new attempt ended as “{outcome}”: a person has to look.": "新的尝试以“{outcome}”结束：需要人工查看。",
    "The new attempt told nothing in time.": "新的尝试没有在规定时间内给出结果。",
    "The run is still under way; a re-run is possible once it has finished.": "运行尚未结束；结束后才能重跑。",
    "There is nothing to approve.": "没有需要批准的请求。",
    "This button has expired. `/medic rerun URL` does the same.": "按钮已过期。可以改用 `/medic rerun URL`。",
    "This button is not known here (any more).": "这个按钮（已）无法识别。",
    "This request has expired: ask again.": "请求已过期：请重新发起。",
    "Too late: this request is already {state} by {who}.": "晚了一步：这个请求已由 {who} 处理（{state}）。",
    "Too late: this request is already {state}.": "晚了一步：这个请求的状态已是 {state}。",
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
    # why a hit does not count
    "the CI prints the step's script here, not what the script said": "这是 CI 打印的脚本内容，不是脚本的输出",
    "this is the command, not what it said": "这是命令本身，不是它的输出",
    "this is a comment, not what a tool said": "这是注释，不是工具的输出",
    "it was tried again, and went well by line {line}": "后来重试过，到第 {line} 行时已成功",
    "it was tried again, and its step ended well at line {line}": "后来重试过，该步骤在第 {line} 行正常结束",
    "it stands in the output of {tool}, and the log shows failing tests": (
        "它出现在 {tool} 的输出里，而日志中有失败的测试"
    ),
    # causes
    "The Go toolchain in the image is older than the code asks for": "镜像里的 Go 版本低于代码要求",
    "The Docker build context is too large to send": "Docker 构建上下文过大",
    "The image starts without something that the program needs at run time": "镜像缺少程序运行时需要的东西",
    "The build image lacks a tool that a step calls": "构建镜像缺少步骤要调用的工具",
    "A firewall, a policy or the routing stops the connection": "防火墙、网络策略或路由阻断了连接",
    "The resolver answers that the name cannot be resolved": "DNS 服务器回答该域名无法解析",
    "The resolver does not answer": "DNS 服务器无响应",
    "The connection opens, and the TLS handshake does not finish": "连接能建立，但 TLS 握手无法完成",
    "The server's certificate is not trusted by the runner": "runner 不信任服务器的证书",
    "The HTTP proxy settings are wrong for this connection": "该连接的 HTTP 代理配置有误",
    "The Go module proxy is unset, off or cannot be reached": "Go 模块代理未设置、被关闭或不可达",
    "GOPROXY names a proxy that does not serve what is asked": "GOPROXY 指向的代理不提供所请求的模块",
    "The Go checksum database cannot be reached": "Go 校验和数据库不可达",
    "A module's hash is not the one that was recorded": "模块的哈希与记录不一致",
    "A private module was asked for without credentials": "拉取私有模块时没有凭据",
    "A dependency's version, tag or name does not exist": "依赖的版本、tag 或名称不存在",
    "A server's rate limit or quota is spent": "触发了服务器的限流或配额用尽",
    "Too many builds or downloads at once on our own side": "我方同时进行的构建或下载过多",
    "The download started and was too slow for the client's limit": "下载已开始，但速度过慢，超出客户端时限",
    "A connection was cut part-way": "连接中途被断开",
    "A registry refuses the credentials, or got none": "仓库拒绝了凭据，或没有收到凭据",
    "A registry, module proxy or git host is failing": "镜像/包仓库、模块代理或 git 服务出现故障",
    "The CI's own cache or artifact service failed": "CI 自身的缓存或制品服务出错",
    "No space is left on the disk": "磁盘空间已满",
    "The step was killed for memory": "步骤因内存不足被杀掉",
    "The CI stopped the job at its time limit": "任务达到 CI 的时限而被终止",
    "The step hung until it was stopped": "步骤卡死，直到被终止",
    "A test ran into its own time limit": "测试达到自身的时限",
    "The runner went away while the job ran": "任务运行途中 runner 失联",
    "The runner's clock is wrong": "runner 的时钟不准",
    "The code does not compile": "代码编译不通过",
    "A test failed": "测试失败",
    "A lint, format or coverage check failed": "代码规范、格式或覆盖率检查未通过",
    "Nothing failed: the run passed, was skipped, or was cancelled by a person": (
        "没有失败：运行通过、被跳过或被人取消"
    ),
    "The cause cannot be told": "无法判断原因",
}
