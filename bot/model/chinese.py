"""Everything the bot itself says, in Simplified Chinese, by the English text. Playbooks have their own translations.

Terms that engineers in China use in English stay English (runner, GOPROXY, TLS, playbook); commands are not translated.
tests/model/test_language.py finds what is missing here, what is left over, and holes that differ.
"""

from bot.model.chinese_slack import SLACK

CHINESE: dict[str, str] = SLACK | {
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
    "the server answers an error": "服务器返回错误",
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
    "a certificate that is not trusted, issued by {issuer}": "证书不受信任，签发者 {issuer}",
    "a certificate that has expired, or is not valid yet": "证书已过期，或尚未生效",
    "a certificate for another name": "证书与域名不匹配",
    "the TLS handshake failed": "TLS 握手失败",
    "the proxy wants credentials (407)": "代理要求认证（407）",
    "the proxy failed": "代理出错",
    "the answer broke off": "响应中途断开",
    "too slow": "太慢",
    # probes
    "anonymous question to the registry of {image}": "匿名查询 {image} 所在的镜像仓库",
    "checksum database, asked for {module}": "向校验和数据库查询 {module}",
    "comparison of the clock": "核对时钟",
    "download from {url}": "从 {url} 下载",
    "look at the disks": "查看磁盘",
    "look at the load": "查看负载",
    "look at the tools": "查看工具版本",
    "measure of the build context {path}": "测量构建上下文 {path}",
    "question to the Maven repository": "查询 Maven 仓库",
    "question to the Python package index": "查询 Python 包索引",
    "question to the git host of {url}": "查询 {url} 所在的 git 服务器",
    "question to the npm registry": "查询 npm 仓库",
    "question to the package archives": "查询系统软件包源",
    "walk of GOPROXY for {module}": "按 GOPROXY 逐项查找 {module}",
    "watched connection to {host} port {port}": "抓包观察到 {host} 端口 {port} 的连接",
    "DNS lookup of {host}": "DNS 查询 {host}",
    "TCP connection to {host} port {port}": "TCP 连接 {host} 端口 {port}",
    "TLS handshake with {host} port {port}": "与 {host} 端口 {port} 的 TLS 握手",
    "HTTP request for {url}": "HTTP 请求 {url}",
    "look at the environment": "查看环境变量与配置",
    "DNS lookup of {host} at {server}": "向 {server} 查询 {host}（DNS）",
    "HTTP request for {url} through the proxy": "经代理的 HTTP 请求 {url}",
    "HTTP request for {url} without the proxy": "不经代理的 HTTP 请求 {url}",
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
