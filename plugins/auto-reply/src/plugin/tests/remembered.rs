use super::*;

#[tokio::test]
async fn a_rule_is_quiet_for_a_while_where_it_has_answered() {
    let plugin =
        plugin(&format!("{GREETING}cooldown_secs = 60\n[[rule]]\nregex = ''\nreply = 'what?'\n"));
    let bench = Bench::new();
    let hear = async |to, time| {
        hear(&bench, &plugin, (to, "bob", SUNDAY + time), "hello").await.texts().concat()
    };
    assert_eq!(hear("group:1", 0).await, "你好, bob!");
    assert_eq!(hear("group:1", MINUTE - 1).await, "what?", "the next rule that holds");
    assert_eq!(hear("group:2", MINUTE - 1).await, "你好, bob!", "in another conversation");
    assert_eq!(hear("group:1", MINUTE).await, "你好, bob!");
    assert_eq!(hear("group:1", 2 * MINUTE - 1).await, "what?", "counted from the last answer");
}

#[tokio::test]
async fn with_all_rules_each_has_a_cooldown_of_its_own() {
    let rule =
        |reply, secs| format!("[[rule]]\nregex = ''\ncooldown_secs = {secs}\nreply = '{reply}'\n");
    let plugin = plugin(&format!("match = 'all'\n{}{}", rule("a", 60), rule("b", 120)));
    let bench = Bench::new();
    let hear = async |time| {
        let answer = hear(&bench, &plugin, ("user:bob", "bob", SUNDAY + time), "hello").await;
        (answer.texts().concat(), answer.flow)
    };
    assert_eq!(hear(0).await, ("ab".to_owned(), Flow::Stop));
    assert_eq!(hear(MINUTE - 1).await, (String::new(), Flow::Continue));
    assert_eq!(hear(MINUTE).await, ("a".to_owned(), Flow::Stop));
    assert_eq!(hear(2 * MINUTE).await, ("ab".to_owned(), Flow::Stop));
}

#[tokio::test]
async fn a_cooldown_stays_with_its_rule_when_the_file_changes() {
    let rule = |word: &str, reply: &str| {
        format!("[[rule]]\ncontains = '{word}'\ncooldown_secs = 60\nreply = '{reply}'\n")
    };
    let twice = |word: &str, reply| rule(word, reply).repeat(2);
    let bench = Bench::new();
    let hear = async |rules: String, seconds: u64, text| {
        let time = SUNDAY + seconds * 1_000;
        let plugin = plugin(&rules);
        hear(&bench, &plugin, ("user:bob", "bob", time), text).await.texts().concat()
    };
    assert_eq!(hear(rule("b", "1"), 0, "b").await, "1");
    let before = || rule("a", "first ") + &rule("b", "2");
    assert_eq!(hear(before(), 1, "b").await, "", "behind another rule, with another answer");
    assert_eq!(hear(before(), 1, "a").await, "first ", "which has not answered yet");
    assert_eq!(hear(rule("bb", "3"), 2, "bb").await, "3", "another rule");
    assert_eq!(
        hear(twice("b", "4"), 3, "b").await,
        "4",
        "the second of two that look for the same"
    );
    assert_eq!(hear(twice("b", "4"), 4, "b").await, "");
    assert_eq!(hear(rule("b", "5"), 60, "b").await, "5");
}

#[tokio::test]
async fn an_answer_of_which_nothing_came_out_is_none() {
    let plugin = plugin(
        "[[rule]]\nregex = ''\ncooldown_secs = 60\nreply = '{% if message.text == \"a\" %}yes{% endif %}'\n",
    );
    let bench = Bench::new();
    let hear = async |text, time| {
        hear(&bench, &plugin, ("user:bob", "bob", SUNDAY + time), text).await.texts().len()
    };
    assert_eq!(hear("b", 0).await, 0);
    assert_eq!(hear("a", 1).await, 1);
}

const TAKEOVER: &str = "[takeover]\nagents = ['Amy']\npause_minutes = 10\nresume = '#bot'\n";

#[tokio::test]
async fn the_rules_are_silent_where_a_person_took_over() {
    let plugin = plugin(&format!("{GREETING}{TAKEOVER}"));
    let bench = Bench::new();
    let hear = async |to, from, minutes, text| {
        let answer = hear(&bench, &plugin, (to, from, SUNDAY + minutes * MINUTE), text).await;
        (answer.texts().len(), answer.flow)
    };
    let (answered, silent) = ((1, Flow::Stop), (0, Flow::Continue));
    assert_eq!(hear("group:1", "bob", 0, "hello").await, answered);
    assert_eq!(hear("group:1", "amy", 1, "hello, I am amy").await, silent, "not answered either");
    assert_eq!(hear("group:1", "bob", 2, "hello").await, silent);
    assert_eq!(hear("group:2", "bob", 2, "hello").await, answered, "elsewhere they are not");
    assert_eq!(hear("group:1", "amy", 5, "tell me more").await, silent);
    assert_eq!(hear("group:1", "bob", 14, "hello").await, silent, "from her last word");
    assert_eq!(hear("group:1", "bob", 15, "hello").await, answered);
    assert_eq!(hear("user:amy", "amy", 16, "hello").await, answered, "to the bot alone");
}

#[tokio::test]
async fn a_person_can_give_the_conversation_back() {
    let plugin = plugin(&format!("{GREETING}{TAKEOVER}"));
    let bench = Bench::new();
    let hear = async |from, minutes, text| {
        let time = SUNDAY + minutes * MINUTE;
        hear(&bench, &plugin, ("group:1", from, time), text).await.texts().len()
    };
    assert_eq!(hear("amy", 0, "my turn").await, 0);
    assert_eq!(hear("bob", 1, "#bot").await, 0, "bob is nobody");
    assert_eq!(hear("bob", 1, "hello").await, 0);
    assert_eq!(hear("amy", 2, "#bot").await, 0);
    assert_eq!(hear("bob", 3, "hello").await, 1);
}

#[tokio::test]
async fn somebody_at_the_bots_own_account_takes_over_too() {
    let plugin = plugin(&format!("{GREETING}{TAKEOVER}"));
    let bench = Bench::new();
    let hear = async |from, minutes| {
        let time = SUNDAY + minutes * MINUTE;
        hear(&bench, &plugin, ("user:bob", from, time), "hello").await.texts().len()
    };
    assert_eq!(hear("concierge", 0).await, 0);
    assert_eq!(hear("bob", 9).await, 0);
    assert_eq!(hear("bob", 10).await, 1);
}

#[tokio::test]
async fn a_picture_of_a_person_takes_over_as_well_and_another_plugin_forgets_nothing() {
    let first = plugin(&format!("{GREETING}{TAKEOVER}"));
    let bench = Bench::new();
    let image = Body::Image(Box::default());
    hear(&bench, &first, ("group:1", "amy", SUNDAY), image).await;
    // What is saved counts for the plugin that is there after a restart.
    let again = plugin(&format!("{GREETING}{TAKEOVER}"));
    let answer = hear(&bench, &again, ("group:1", "bob", SUNDAY + MINUTE), "hello").await;
    assert!(answer.sent.is_empty());
}

#[tokio::test]
async fn with_agents_alone_the_own_user_is_left_out_of_it() {
    let plugin = plugin(&format!("{GREETING}[takeover]\nagents = ['amy']\nown_devices = false\n"));
    let bench = Bench::new();
    let own = hear(&bench, &plugin, ("user:bob", "concierge", SUNDAY), "hello").await;
    assert_eq!((own.sent.len(), own.flow), (0, Flow::Continue), "the bot does not answer itself");
    let answer = hear(&bench, &plugin, ("user:bob", "bob", SUNDAY + 1), "hello").await;
    assert_eq!(answer.texts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_saved_goes_away_when_it_does_not_count_any_more() {
    let plugin = plugin(&format!("{GREETING}cooldown_secs = 60\n"));
    let bench = Bench::new();
    bench.set_now(Timestamp(SUNDAY));
    hear(&bench, &plugin, ("user:bob", "bob", SUNDAY), "hello").await;
    let env = bench.env(&plugin).unwrap();
    let n_saved = async || env.shelf::<Memory>().list("in/", None, 10).await.unwrap().len();
    assert_eq!(n_saved().await, 1);
    bench.set_now(Timestamp(SUNDAY + 2 * 24 * 60 * MINUTE));
    tokio::select! {
        ended = plugin.run(&env) => panic!("{ended:?}"),
        () = tokio::time::sleep(Duration::from_secs(3_601)) => {}
    }
    assert_eq!(n_saved().await, 0);
}

#[tokio::test]
async fn a_plugin_that_remembers_nothing_has_nothing_to_sweep() {
    let (plugin, bench) = (plugin(GREETING), Bench::new());
    plugin.run(&bench.env(&plugin).unwrap()).await.unwrap();
}
