use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn github(secret: &str) -> Guard {
    Guard::hmac("X-Hub-Signature-256", "sha256=", &Secret::new(secret)).unwrap()
}

fn gitea(secret: &str) -> Guard {
    let guard = Guard::hmac("X-Gitea-Signature", "", &Secret::new(secret)).unwrap();
    guard.or_in("X-Hub-Signature-256", "sha256=")
}

fn gitlab(secret: &str) -> Guard {
    Guard::header("X-Gitlab-Token", &Secret::new(secret)).unwrap()
}

fn token(secret: &str) -> Guard {
    Guard::token(&Secret::new(secret)).unwrap()
}

fn standard_guard() -> Guard {
    Guard::standard(&Secret::new(SECRET)).unwrap()
}

fn post(body: &str) -> HookRequest {
    HookRequest::post("/h", body.to_owned())
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[test]
fn a_signature_of_github_is_that_of_its_documentation() {
    // Source: GitHub, "Validating webhook deliveries", testing the webhook payload validation.
    let guard = github("It's a Secret to Everybody");
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signed = post("Hello, World!").with_header("X-Hub-Signature-256", signature);
    assert_eq!(guard.check(&signed, Timestamp(0)), Ok(()));
    let proof = "X-Hub-Signature-256";
    let other = post("Hello, world!").with_header(proof, signature);
    assert_eq!(guard.check(&other, Timestamp(0)), Err(NotProven::Wrong { proof }));
    assert_eq!(guard.check(&post("x"), Timestamp(0)), Err(NotProven::Missing { proof }));
    for broken in ["sha256=75", "sha256=", "757107ea", "sha256=zz", "sha1=757107ea", "sha256=7"] {
        let broken = post("Hello, World!").with_header(proof, broken);
        assert_eq!(guard.check(&broken, Timestamp(0)), Err(NotProven::Wrong { proof }));
    }
}

#[test]
fn gitea_signs_in_hex_alone() {
    let guard = gitea("It's a Secret to Everybody");
    let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for (name, value) in
        [("X-Gitea-Signature", hex.to_owned()), ("X-Hub-Signature-256", format!("sha256={hex}"))]
    {
        let signed = post("Hello, World!").with_header(name, &value);
        assert_eq!(guard.check(&signed, Timestamp(0)), Ok(()));
    }
    assert!(guard.check(&post("Hello, World!"), Timestamp(0)).is_err());
}

#[test]
fn a_token_is_in_a_header_or_in_the_path() {
    let guard = token("s:e c");
    let fits = |request: HookRequest| guard.check(&request, Timestamp(0));
    assert_eq!(fits(post("").with_header("authorization", "Bearer s:e c")), Ok(()));
    assert_eq!(fits(post("").with_header("authorization", &basic("alertmanager:s:e c"))), Ok(()));
    let mut tailed = post("");
    tailed.tail = Some("s:e%20c".to_owned());
    assert_eq!(fits(tailed.clone()), Ok(()));
    tailed.tail = Some("s:e".to_owned());
    let wrong = Err(NotProven::Wrong { proof: "token" });
    assert_eq!(fits(tailed), wrong);
    for header in ["Bearer s:e", "Bearer ", &basic("s:e c"), "Basic ?", &basic("nocolon")] {
        assert_eq!(fits(post("").with_header("authorization", header)), wrong, "{header}");
    }
    let missing = Err(NotProven::Missing { proof: "token" });
    assert_eq!(fits(post("")), missing);
    assert_eq!(fits(post("").with_header("authorization", "Digest x")), missing);
    assert_eq!(fits(post("").with_header("authorization", "Bearer")), missing);
}

#[test]
fn gitlab_sends_its_token_as_it_is() {
    let guard = gitlab("t");
    assert_eq!(guard.check(&post("").with_header("X-Gitlab-Token", "t"), Timestamp(0)), Ok(()));
    let wrong = post("").with_header("X-Gitlab-Token", "T");
    assert!(matches!(guard.check(&wrong, Timestamp(0)), Err(NotProven::Wrong { .. })));
}

/// Source: the test vector of the Standard Webhooks libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const SECS: u64 = 1_614_265_330;

fn standard(signature: &str) -> HookRequest {
    post(r#"{"test": 2432232314}"#)
        .with_header("webhook-id", ID)
        .with_header("webhook-timestamp", &SECS.to_string())
        .with_header("webhook-signature", signature)
}

#[test]
fn a_standard_signature_fits_within_five_minutes() {
    let guard = standard_guard();
    let at = |secs: u64| guard.check(&standard(SIGNATURE), Timestamp(secs * 1000));
    let stale = Err(NotProven::Stale { limit_secs: 300 });
    assert_eq!(at(SECS), Ok(()));
    assert_eq!((at(SECS - 300), at(SECS + 300)), (Ok(()), Ok(())));
    assert_eq!((at(SECS - 301), at(SECS + 301)), (stale.clone(), stale));
}

#[test]
fn one_of_several_standard_signatures_is_enough() {
    let guard = standard_guard();
    let check = |signature: &str| guard.check(&standard(signature), Timestamp(SECS * 1000));
    assert_eq!(check(&format!("v1,AAAA v1a,AAAA {SIGNATURE}")), Ok(()));
    let wrong = Err(NotProven::Wrong { proof: "webhook-signature" });
    for signature in ["v1,AAAA", "", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,"] {
        assert_eq!(check(signature), wrong, "{signature}");
    }
    let no_id = post("{}").with_header("webhook-timestamp", "1");
    let missing = Err(NotProven::Missing { proof: "webhook-id" });
    assert_eq!(guard.check(&no_id, Timestamp(0)), missing);
}

#[test]
fn a_secret_that_is_of_no_use_is_refused_without_being_shown() {
    for secret in ["whsec_?", "hunter2!"] {
        let error = Guard::standard(&Secret::new(secret)).unwrap_err();
        assert_eq!(error, UnusableSecret::NotBase64);
        assert!(!error.to_string().contains(secret));
    }
    assert_eq!(Guard::standard(&Secret::new("whsec_")).unwrap_err(), UnusableSecret::Empty);
    assert_eq!(Guard::token(&Secret::new("")).unwrap_err(), UnusableSecret::Empty);
    let header = Guard::header("x-token", &Secret::new(""));
    assert_eq!(header.unwrap_err(), UnusableSecret::Empty);
    let hmac = Guard::hmac("x-signature", "", &Secret::new(""));
    assert_eq!(hmac.unwrap_err(), UnusableSecret::Empty);
    assert!(!format!("{:?}", token("open sesame")).contains("sesame"));
}

#[test]
fn who_is_not_believed_is_told_what_is_missing_and_how_to_bring_it() {
    let refused = Refused::from(NotProven::Missing { proof: "token" });
    assert_eq!(
        (refused.reply.status.as_u16(), refused.reason.as_str()),
        (401, "there is no token")
    );
    assert_eq!(refused.reply.headers["www-authenticate"], "Bearer");
}

/// Whoever signs and whoever checks are of one mind.
#[test]
fn what_our_own_signer_signs_is_believed() {
    let secret = Secret::new(SECRET);
    let own = crate::webhook::Signer::hmac("x-sign", "v0=", &secret).unwrap();
    let signer = crate::webhook::Signer::standard([&secret]).unwrap().and(own);
    let signed = signer.sign("evt_1", SECS, b"hi").into_iter();
    let request =
        signed.fold(post("hi"), |request, (name, value)| request.with_header(name, &value));
    let request = request
        .with_header("webhook-id", "evt_1")
        .with_header("webhook-timestamp", &SECS.to_string());
    let hmac = Guard::hmac("x-sign", "v0=", &secret).unwrap();
    for guard in [standard_guard(), hmac] {
        assert_eq!(guard.check(&request, Timestamp(SECS * 1000)), Ok(()), "{guard:?}");
    }
}

proptest! {
    #[test]
    fn no_other_body_and_no_other_bit_of_a_signature_fits(
        body in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let guard = github("key");
        let signed = |body: &[u8], tag: &[u8]| {
            let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
            let request = HookRequest::post("/h", body.to_vec());
            let request = request.with_header("x-hub-signature-256", &format!("sha256={hex}"));
            guard.check(&request, Timestamp(0)).is_ok()
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        let tag = hmac::sign(&key, &body).as_ref().to_vec();
        prop_assert!(signed(&body, &tag));
        let mut other = tag.clone();
        other[at.index(tag.len())] ^= 1 << bit;
        prop_assert!(!signed(&body, &other));
        if !body.is_empty() {
            let mut other = body.clone();
            other[at.index(body.len())] ^= 1 << bit;
            prop_assert!(!signed(&other, &tag));
        }
        prop_assert!(!signed(&body, &tag[..at.index(tag.len())]));
    }

    #[test]
    fn no_header_panics_the_guard(value in "[ -~]{0,60}", secret in "[a-z]{1,9}") {
        for guard in [token(&secret), gitea(&secret), github(&secret), gitlab(&secret)] {
            let names = ["authorization", "x-gitea-signature", "x-hub-signature-256", "x-gitlab-token"];
            let request = names.iter().fold(post(""), |request, name| request.with_header(name, &value));
            let fits = guard.check(&request, Timestamp(0)).is_ok();
            prop_assert!(!fits || value.contains(&secret));
        }
    }
}

#[test]
fn a_callback_of_easemob_is_signed_in_its_body_and_not_older_than_it_is_kept() {
    // printf '%s' 'easebot#demo_1sesame1785000000000' | md5sum
    let security = "a3bfe714a4f83429120e084841868ec1";
    let guard = Guard::easemob(&Secret::new("sesame")).unwrap();
    let check = |id: &str, security: Value, at: u64| {
        let body = json!({ "callId": id, "timestamp": 1_785_000_000_000_u64, "security": security, "payload": {} });
        guard.check(&post(&body.to_string()), Timestamp(at))
    };
    let (now, id) = (1_785_000_000_000, "easebot#demo_1");
    let days = |n: u64| n * 24 * 60 * 60 * 1_000;
    let (wrong, missing) =
        (NotProven::Wrong { proof: "security" }, NotProven::Missing { proof: "security" });
    let stale = |limit_secs| Err(NotProven::Stale { limit_secs });
    for (id, security, at, expected) in [
        (id, json!(security), now, Ok(())),
        (id, json!(security), now + days(3), Ok(())),
        (id, json!(security), now + days(3) + 1, stale(259_200)),
        (id, json!(security), now - 300_001, stale(300)),
        ("easebot#demo_2", json!(security), now, Err(wrong.clone())),
        (id, json!(""), now, Err(wrong.clone())),
        (id, json!("a3bfe714a4f83429120e084841868ec2"), now, Err(wrong)),
        (id, Value::Null, now, Err(missing.clone())),
        (id, json!(5), now, Err(missing.clone())),
    ] {
        assert_eq!(check(id, security.clone(), at), expected, "{id} {security} {at}");
    }
    let text = json!({ "callId": id, "timestamp": "1785000000000", "security": security });
    assert_eq!(guard.check(&post(&text.to_string()), Timestamp(now)), Ok(()));
    assert_eq!(guard.check(&post("no JSON"), Timestamp(now)), Err(missing));
    assert_eq!(Guard::easemob(&Secret::new("")).unwrap_err(), UnusableSecret::Empty);
}
