//! What people write: texts of the size and the words of a chat with customers, the same on every machine and in every run.

use std::ops::RangeInclusive;

use crate::random::Random;

/// How long a text of [`Corpus::chat`] is, in bytes of UTF-8.
pub(crate) const CHAT_BYTES: RangeInclusive<usize> = 150..=400;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    Chinese,
    English,
}

/// An endless row of texts; two with the same seed say the same.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    random: Random,
}

impl Corpus {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed) }
    }

    /// A text of [`CHAT_BYTES`], Chinese or English as it comes.
    pub(crate) fn chat(&mut self) -> String {
        let language =
            if self.random.below(2) == 0 { Language::Chinese } else { Language::English };
        self.text(language, CHAT_BYTES)
    }

    /// A text of that language with as many bytes of UTF-8; up to two less, if no letter fits in what is left.
    pub(crate) fn text(&mut self, language: Language, bytes: RangeInclusive<usize>) -> String {
        let (least, most) = bytes.into_inner();
        let wanted = least + 2 + self.random.below((most + 1).saturating_sub(least + 2).max(1));
        let mut text = String::with_capacity(wanted);
        while text.len() < wanted {
            self.say(language, &mut text);
        }
        text.truncate(text.floor_char_boundary(wanted.min(most)));
        text
    }

    /// A text of that language with exactly as many letters, blanks and marks.
    pub(crate) fn letters(&mut self, language: Language, count: usize) -> String {
        let mut text = String::new();
        while text.chars().count() < count {
            self.say(language, &mut text);
        }
        text.chars().take(count).collect()
    }

    /// A word with what stands behind it; common words are said more often, as people do.
    fn say(&mut self, language: Language, text: &mut String) {
        let (words, mark, gap) = match language {
            Language::Chinese => (CHINESE, "，", ""),
            Language::English => (ENGLISH, ", ", " "),
        };
        let below = self.random.below(words.len()) + 1;
        let place = self.random.below(below);
        text.push_str(words.get(place).copied().unwrap_or_default());
        match self.random.below(12) {
            // Orders and amounts: what no two messages have in common.
            0 => text.push_str(&format!("{gap}{}{gap}", 1_000 + self.random.below(900_000))),
            1 | 2 => text.push_str(mark),
            _ => text.push_str(gap),
        }
    }
}

const CHINESE: &[&str] = &[
    "你好",
    "请问",
    "谢谢",
    "我们",
    "订单",
    "快递",
    "什么时候",
    "可以",
    "退款",
    "已经",
    "没有",
    "商品",
    "客服",
    "收到",
    "地址",
    "发货",
    "如果",
    "这个",
    "需要",
    "帮我",
    "查一下",
    "昨天",
    "今天",
    "明天",
    "还没到",
    "物流",
    "显示",
    "签收",
    "但是",
    "我的",
    "电话",
    "修改",
    "怎么办",
    "优惠券",
    "不能用",
    "付款",
    "微信",
    "支付宝",
    "账号",
    "登录",
    "密码",
    "忘记",
    "会员",
    "积分",
    "兑换",
    "活动",
    "结束",
    "价格",
    "便宜",
    "一点",
    "质量",
    "很好",
    "不错",
    "颜色",
    "尺码",
    "偏小",
    "换货",
    "保修",
    "发票",
    "公司",
    "抬头",
    "税号",
    "邮箱",
    "麻烦",
    "尽快",
    "处理",
    "投诉",
    "建议",
    "群里",
    "同事",
    "会议",
    "图片",
    "文件",
    "上传",
    "失败",
    "重新",
    "试试",
    "网络",
    "安装",
    "更新",
    "版本",
    "手机",
    "电脑",
];

const ENGLISH: &[&str] = &[
    "the",
    "order",
    "please",
    "is",
    "to",
    "my",
    "when",
    "will",
    "it",
    "arrive",
    "hello",
    "thanks",
    "and",
    "not",
    "yet",
    "refund",
    "you",
    "can",
    "help",
    "me",
    "with",
    "this",
    "address",
    "parcel",
    "yesterday",
    "today",
    "tomorrow",
    "shipping",
    "still",
    "shows",
    "delivered",
    "but",
    "nobody",
    "phone",
    "number",
    "change",
    "coupon",
    "does",
    "work",
    "payment",
    "failed",
    "account",
    "login",
    "password",
    "forgot",
    "member",
    "points",
    "price",
    "cheaper",
    "quality",
    "great",
    "colour",
    "size",
    "small",
    "exchange",
    "warranty",
    "invoice",
    "company",
    "tax",
    "mail",
    "soon",
    "handle",
    "complaint",
    "suggestion",
    "group",
    "colleague",
    "meeting",
    "picture",
    "file",
    "upload",
    "again",
    "network",
    "install",
    "update",
    "version",
    "computer",
    "support",
    "agent",
    "waiting",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_says_the_same_and_another_does_not() {
        let say = |seed| {
            let mut corpus = Corpus::new(seed);
            [corpus.chat(), corpus.chat()]
        };
        assert_eq!(say(7), say(7));
        assert_ne!(say(7), say(8));
        assert_ne!(say(7)[0], say(7)[1]);
    }

    #[test]
    fn texts_have_the_size_that_was_asked_for() {
        let mut corpus = Corpus::new(1);
        for _ in 0..1_000 {
            let text = corpus.chat();
            assert!(CHAT_BYTES.contains(&text.len()), "{} bytes", text.len());
        }
        assert_eq!(corpus.letters(Language::Chinese, 60).chars().count(), 60);
        assert_eq!(corpus.letters(Language::English, 60).len(), 60);
    }

    #[test]
    fn english_is_ascii_and_chinese_is_mostly_not() {
        let mut corpus = Corpus::new(1);
        assert!(corpus.text(Language::English, CHAT_BYTES).is_ascii());
        let text = corpus.text(Language::Chinese, CHAT_BYTES);
        let wide = text.chars().filter(|letter| !letter.is_ascii()).count();
        assert!(wide * 2 > text.chars().count(), "{text}");
    }
}
