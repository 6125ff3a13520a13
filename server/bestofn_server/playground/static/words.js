// The page's words, English and Chinese.

export const WORDS = {
  en: {
    key: "API key", language: "Language", theme: "Colours",
    themeSystem: "as the system", themeLight: "light", themeDark: "dark",
    tabTry: "Sample", tabRank: "Rank what you have",
    prompt: "Prompt", sample: "Sample", abort: "Stop", compare: "Compare two settings",
    copyAs: "Copy as", yaml: "YAML profile", copied: "Copied.", notCopied: "The browser does not allow copying.",
    model: "Model", best_of: "Candidates (best_of)", temperature: "Temperature", max_tokens: "Most tokens each",
    seed: "Seed", selector: "Selector", answer_key: "Answer key", stop: "Stop early", filters: "Filters",
    asServer: "as the server", settingsA: "Settings", settingsB: "Second settings",
    responses: "Responses", response: "Response", add: "Add a response", remove: "Remove", rankIt: "Rank", examples: "Examples",
    chooseExample: "choose one",
    sampling: "sampling", scoring: "being scored", accepted: "accepted", suspected: "suspected", rejected: "rejected",
    stopped: "stopped", failed: "failed", running: "running", winner: "winner", candidate: "Candidate", sampledBy: "sampled by",
    reward: "Reward", logprob: "Mean logprob", votes: "votes for", tokens: "tokens", certain: "certain", suspicion: "suspicion",
    confidence: "confidence", chosenBy: "chosen by", stoppedBy: "stopped by", saved: "tokens saved, about",
    outOf: (accepted, sampled) => `${accepted} of ${sampled} accepted`,
    fallback: "Nothing was acceptable; fallback:", total: "in", nothing: "no text",
    noReward: "no reward model: candidates win by agreement", scores: "rewards by", onlyScores: "this server only scores",
    needsKey: "This server wants an API key.", unreachable: "The server does not answer.",
    over: (index, confidence) => confidence === null ? `Candidate ${index} won.` : `Candidate ${index} won, confidence ${confidence}.`,
  },
  zh: {
    key: "API 密钥", language: "语言", theme: "配色",
    themeSystem: "跟随系统", themeLight: "浅色", themeDark: "深色",
    tabTry: "采样", tabRank: "给已有回答排序",
    prompt: "提示词", sample: "采样", abort: "停止", compare: "对比两组设置",
    copyAs: "复制为", yaml: "YAML 配置", copied: "已复制。", notCopied: "浏览器不允许复制。",
    model: "模型", best_of: "候选数 (best_of)", temperature: "温度", max_tokens: "每个候选的最大 token 数",
    seed: "随机种子", selector: "选择方法", answer_key: "答案键", stop: "提前停止", filters: "过滤器",
    asServer: "按服务器设置", settingsA: "设置", settingsB: "第二组设置",
    responses: "回答", response: "回答", add: "添加回答", remove: "删除", rankIt: "排序", examples: "示例",
    chooseExample: "请选择",
    sampling: "采样中", scoring: "打分中", accepted: "通过", suspected: "存疑", rejected: "拒绝",
    stopped: "已停止", failed: "失败", running: "进行中", winner: "胜出", candidate: "候选", sampledBy: "采样模型",
    reward: "奖励分", logprob: "平均对数概率", votes: "投票给", tokens: "个 token", certain: "确定", suspicion: "怀疑",
    confidence: "置信度", chosenBy: "选择方法", stoppedBy: "停止规则", saved: "约节省 token",
    outOf: (accepted, sampled) => `${sampled} 个中 ${accepted} 个通过`,
    fallback: "没有可接受的候选；退而采用：", total: "用时", nothing: "没有文本",
    noReward: "没有奖励模型：由一致性决定胜者", scores: "打分模型", onlyScores: "此服务器只打分",
    needsKey: "此服务器需要 API 密钥。", unreachable: "服务器没有响应。",
    over: (index, confidence) => confidence === null ? `候选 ${index} 胜出。` : `候选 ${index} 胜出，置信度 ${confidence}。`,
  },
};

let language = "en";

export function word(name) {
  return WORDS[language][name] ?? name;
}

export function speak(chosen) {
  language = chosen in WORDS ? chosen : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
}
