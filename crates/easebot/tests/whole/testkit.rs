//! Bots of the facade on a test bed.

use easebot::{
    Bot, Command, Commands, filter,
    testkit::{Testbed, account},
};

#[derive(Commands)]
enum Desk {
    /// adds up
    Add {
        /// what to add
        numbers: Vec<i64>,
    },
}

#[tokio::test]
async fn a_bot_is_tested_as_it_is_written() {
    let desk = Bot::login(account("desk"))
        .on(filter::any(), |Command(Desk::Add { numbers })| async move {
            numbers.iter().sum::<i64>().to_string()
        });
    let bed = Testbed::of([desk.spec().unwrap()]).await;
    bed.replay("> /add 1 2 3\n< 6\ngroup sums/bob> /add 4 5\n< 9\n").await;
}
