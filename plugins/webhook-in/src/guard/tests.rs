use proptest::prelude::*;

use super::*;

fn guard(format: Format, secret: &str) -> Guard {
    Guard::new(format, &Secret::new(secret)).unwrap()
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
    let guard = guard(Format::Github, "It's a Secret to Everybody");
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
    let guard = guard(Format::Gitea, "It's a Secret to Everybody");
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
    let guard = guard(Format::Generic, "s:e c");
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
    let guard = guard(Format::Gitlab, "t");
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
    let guard = guard(Format::StandardWebhooks, SECRET);
    let at = |secs: u64| guard.check(&standard(SIGNATURE), Timestamp(secs * 1000));
    let stale = Err(NotProven::Stale { limit_secs: 300 });
    assert_eq!(at(SECS), Ok(()));
    assert_eq!((at(SECS - 300), at(SECS + 300)), (Ok(()), Ok(())));
    assert_eq!((at(SECS - 301), at(SECS + 301)), (stale.clone(), stale));
}

#[test]
fn one_of_several_standard_signatures_is_enough() {
    let guard = guard(Format::StandardWebhooks, SECRET);
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
fn a_standard_secret_is_base64() {
    for secret in ["whsec_", "whsec_?", "a secret"] {
        let error = Guard::new(Format::StandardWebhooks, &Secret::new(secret)).unwrap_err();
        assert_eq!(error, UnusableSecret::NotBase64);
        assert!(!error.to_string().contains(secret) || secret == "whsec_");
    }
}

proptest! {
    #[test]
    fn no_other_body_and_no_other_bit_of_a_signature_fits(
        body in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let guard = guard(Format::Github, "key");
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
        for format in [Format::Generic, Format::Gitea, Format::Github, Format::Gitlab] {
            let names = ["authorization", "x-gitea-signature", "x-hub-signature-256", "x-gitlab-token"];
            let request = names.iter().fold(post(""), |request, name| request.with_header(name, &value));
            let fits = guard(format, &secret).check(&request, Timestamp(0)).is_ok();
            prop_assert!(!fits || value.contains(&secret));
        }
    }
}
