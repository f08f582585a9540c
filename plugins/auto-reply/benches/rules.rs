//! What a thousand rules cost a message: `cargo bench -p easebot-plugin-auto-reply`.
//!
//! One message in ten is answered. Each line is the median of many rounds; with `-- --limit-ns 1500` a thousand rules have to
//! stay below that, or the run fails.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what was measured is the output")]

use std::{
    fmt::Write as _,
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use easebot_model::{Conversation, Message, MessageId, Timestamp};
use easebot_plugin::{BotInfo, BuildEnv, PluginTable, Problems};
use easebot_plugin_auto_reply::AutoReply;

const N_MESSAGES: u64 = 1_000;
const N_ROUNDS: usize = 41;

fn main() -> ExitCode {
    let limit_nanos = match limit_nanos() {
        Ok(limit_nanos) => limit_nanos,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let mut is_slow = false;
    println!("{:>6}  {:<8}  {:>10}  {:>8}", "rules", "messages", "ns/message", "answered");
    for n_rules in [20, 100, 1_000] {
        let Some(plugin) = plugin(n_rules) else { return ExitCode::from(2) };
        for (name, texts) in [("Chinese", CHINESE), ("English", ENGLISH), ("mixed", MIXED)] {
            let (time, n_answered) = measure(&plugin, &messages(texts, n_rules));
            let nanos = time.as_nanos() / u128::from(N_MESSAGES);
            println!("{n_rules:>6}  {name:<8}  {nanos:>10}  {n_answered:>8}");
            is_slow |= n_rules == 1_000 && nanos > limit_nanos;
        }
    }
    if is_slow {
        eprintln!("a thousand rules cost more than {limit_nanos} ns a message");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn limit_nanos() -> Result<u128, String> {
    let mut words = std::env::args().skip_while(|word| word != "--limit-ns");
    match (words.next(), words.next()) {
        (None, _) => Ok(u128::MAX),
        (Some(_), Some(limit)) => limit.parse().map_err(|_| format!("`{limit}` is no number")),
        (Some(_), None) => Err("a number has to follow `--limit-ns`".to_owned()),
    }
}

/// The median time of all messages, and how many of them were answered.
fn measure(plugin: &AutoReply, messages: &[Message]) -> (Duration, usize) {
    let bot = bot();
    let mut n_answered = 0;
    let mut times: Vec<Duration> = (0..N_ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let is_answered =
                |message: &&Message| !plugin.rules_for(black_box(message), &bot).is_empty();
            n_answered = black_box(messages.iter().filter(is_answered).count());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times.get(N_ROUNDS / 2).copied().unwrap_or_default(), n_answered)
}

/// Rules as people write them: words in two languages, patterns with groups, whole texts, in some places and at some times.
fn plugin(n_rules: usize) -> Option<AutoReply> {
    let mut text = "time_zone = 'Asia/Shanghai'\n".to_owned();
    for n in 0..n_rules {
        let conditions = match n % 10 {
            0 | 1 => format!("contains = ['关键词{n}号', 'keyword{n}.']"),
            2 => format!("regex = '^命令{n}\\s+(?<rest>.+)$'"),
            3 => format!("regex = '(?<what>\\S+) price{n}'"),
            4 => format!("regex = '(?-u:\\b)order{n}(?-u:\\b)'"),
            5 => format!("equals = ['你好{n}', 'hello {n}']"),
            6 => format!("contains = 'topic{n}'\nignore_case = true"),
            7 => format!("contains = '话题{n}'\nin = ['user']"),
            8 => format!("contains = 'office{n}'\nwhen = 'mon-fri 09:00-18:00'"),
            _ => format!("regex = '退款{n}|refund {n}'\nmention = true"),
        };
        if writeln!(text, "[[rule]]\n{conditions}\nreply = 'x'").is_err() {
            return None;
        }
    }
    let env = BuildEnv::new("auto-reply", "concierge", "concierge".into(), bot().app_key, ".");
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(&text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    if !problems.is_empty() {
        eprintln!("{problems:?}");
    }
    plugin
}

const CHINESE: &[&str] = &[
    "今天天气很好我们下午一起去公园散步吧顺便买一点水果回来给大家吃晚上再看电影好不好我请客你们想看什么都可以",
    "这个问题我已经跟同事讨论过了等明天开会的时候再确认一下具体的安排和时间如果来不及的话就推迟到下个星期再说",
    "请问你们的店周末几点开门我想带家人过去看看有没有适合小朋友的活动可以参加需要提前多久预约以及怎么付款谢谢",
    "刚才发的文件收到了吗如果打不开的话告诉我我换一个格式再给你重新发一遍顺便问一下合同什么时候可以签完盖章",
];
const ENGLISH: &[&str] = &[
    "the weather is fine today, shall we go for a walk in the park",
    "I have talked to my colleagues, we will settle it tomorrow then",
    "when do you open on the weekend, I would like to bring my family",
    "did you get the file I sent, tell me if you cannot open it please",
];
const MIXED: &[&str] = &[
    "今天的 meeting 改到下午三点, please tell everybody 谢谢大家的理解和支持",
    "请把 order 的状态发给我, I need the number of the parcel 越快越好",
];

fn messages(texts: &[&str], n_rules: usize) -> Vec<Message> {
    let texts = texts.iter().cycle().zip(0..N_MESSAGES);
    let messages = texts.map(|(text, n)| {
        let wanted = usize::try_from(n).unwrap_or_default() * 7 % n_rules / 10 * 10;
        let text = match n % 10 {
            0 => format!("{text} keyword{wanted}."),
            _ => (*text).to_owned(),
        };
        let time = Timestamp(1_795_350_600_000);
        Message::new(MessageId(n), Conversation::user("bob"), "bob".into(), time, text.into())
    });
    messages.collect()
}

fn bot() -> BotInfo {
    BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap_or_else(|_| unreachable!("it is an app key")),
    }
}
