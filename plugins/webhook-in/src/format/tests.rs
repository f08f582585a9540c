use serde_json::json;

use super::*;

fn request(headers: &[(&str, &str)], body: &str) -> HookRequest {
    let request = HookRequest::post("/h", body.to_owned());
    headers.iter().fold(request, |request, (name, value)| request.with_header(name, value))
}

async fn posts(
    format: Format,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Vec<Post>, (u16, String)> {
    let posts = read(format, &request(headers, body), 0, &[]).await;
    posts.map_err(|refusal| (refusal.status(), refusal.to_string()))
}

async fn one(format: Format, headers: &[(&str, &str)], body: &Value) -> Post {
    let mut posts = posts(format, headers, &body.to_string()).await.unwrap();
    assert_eq!(posts.len(), 1);
    posts.remove(0)
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_generic_body_says_its_text_below_its_title() {
    let said = async |body: Value| one(Format::Generic, &[JSON], &body).await.text;
    assert_eq!(said(json!({ "text": " hi " })).await, "hi");
    assert_eq!(said(json!({ "title": "T", "message": "m", "type": "info" })).await, "T\nm");
    assert_eq!(said(json!({ "subject": "", "content": "c" })).await, "c");
    assert_eq!(said(json!({ "text": 5, "other": "o" })).await, "");
    let post =
        one(Format::Generic, &[JSON, ("idempotency-key", "k")], &json!({ "text": "hi" })).await;
    assert_eq!(post.id.as_deref(), Some("k"));
    assert_eq!(one(Format::Generic, &[JSON], &json!({})).await.id, None);
}

#[tokio::test]
async fn slack_text_blocks_and_attachments_become_plain_text() {
    let said = async |body: Value| one(Format::Slack, &[JSON], &body).await.text;
    assert_eq!(said(json!({ "text": "*up* <http://a.b|log>" })).await, "up log (http://a.b)");
    // As Alertmanager's `slack_configs` send: no text of its own.
    let alert = json!({
        "channel": "#ops", "username": "alertmanager",
        "attachments": [{
            "title": "[FIRING:1] HighLatency api", "title_link": "http://am/#/alerts",
            "text": "p99 is 2 s", "fallback": "[FIRING:1] HighLatency | http://am",
            "color": "danger", "mrkdwn_in": ["fallback", "pretext", "text"],
            "fields": [{ "title": "Severity", "value": "*page*", "short": true }],
        }],
    });
    assert_eq!(
        said(alert).await,
        "[FIRING:1] HighLatency api (http://am/#/alerts)\np99 is 2 s\nSeverity: page"
    );
    assert_eq!(said(json!({ "attachments": [{ "fallback": "f" }] })).await, "f");
    let blocks = json!({
        "text": "what a notification shows",
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Deploy *v2*" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "_done_ by <@U1|bob>" },
              "fields": [{ "type": "mrkdwn", "text": "*env*\nprod" }] },
            { "type": "divider" },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": "`main`" }, { "type": "plain_text", "text": "12:00" }] },
            { "type": "rich_text", "elements": [
                { "type": "rich_text_section", "elements": [
                    { "type": "text", "text": "see " },
                    { "type": "link", "url": "http://a.b", "text": "it" },
                ] },
                { "type": "rich_text_list", "style": "bullet", "elements": [
                    { "type": "rich_text_section", "elements": [{ "type": "text", "text": "one" }] },
                ] },
            ] },
        ],
    });
    assert_eq!(
        said(blocks).await,
        "Deploy *v2*\ndone by @bob\nenv\nprod\n———\nmain 12:00\nsee it (http://a.b)\n- one"
    );
}

#[tokio::test]
async fn slack_takes_forms_and_pictures_and_refuses_what_says_nothing() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let posts_of = posts(Format::Slack, &[form], "payload=%7B%22text%22%3A%22hi%22%7D").await;
    assert_eq!(posts_of.unwrap()[0].text, "hi");
    let body = json!({ "blocks": [{ "type": "image", "image_url": "http://a.b/c.png", "alt_text": "a graph" }] });
    let picture = one(Format::Slack, &[JSON], &body).await;
    assert_eq!(picture.files, [Attached::Url { name: None, url: "http://a.b/c.png".to_owned() }]);
    for empty in [r#"{}"#, r#"{"text":""}"#, r#"{"text":5}"#, r#"{"attachments":[{}]}"#] {
        let error = posts(Format::Slack, &[JSON], empty).await.unwrap_err();
        assert_eq!(error.0, 400);
        assert!(error.1.starts_with("nothing to say"), "{error:?}");
    }
    for broken in ["[]", "5", "{"] {
        assert_eq!(posts(Format::Slack, &[JSON], broken).await.unwrap_err().0, 400);
    }
}

#[tokio::test]
async fn rich_text_that_never_ends_is_cut() {
    let mut body = json!({ "type": "text", "text": "deep" });
    for _ in 0..50 {
        body = json!({ "type": "rich_text_section", "elements": [body] });
    }
    let body = json!({ "text": "hi", "blocks": [{ "type": "rich_text", "elements": [body] }] });
    assert_eq!(one(Format::Slack, &[JSON], &body).await.text, "hi");
}

/// In the form that Alertmanager documents.
fn alert() -> Value {
    json!({
        "receiver": "chat", "status": "firing", "version": "4",
        "groupKey": "{}:{alertname=\"HighLatency\"}", "truncatedAlerts": 0,
        "groupLabels": { "alertname": "HighLatency" },
        "commonLabels": { "alertname": "HighLatency", "severity": "page" },
        "commonAnnotations": {}, "externalURL": "http://am:9093",
        "alerts": [
            { "status": "firing", "labels": { "alertname": "HighLatency", "instance": "a", "severity": "page" },
              "annotations": { "summary": "p99 is 2 s", "description": "since noon" },
              "startsAt": "2026-03-01T12:00:00.000Z", "endsAt": "0001-01-01T00:00:00Z",
              "generatorURL": "http://prom/graph?g0", "fingerprint": "b4f2a2b1c3d4e5f6" },
            { "status": "resolved", "labels": { "alertname": "HighLatency", "instance": "b" },
              "annotations": {}, "startsAt": "2026-03-01T11:00:00.000Z", "endsAt": "2026-03-01T12:01:00.000Z",
              "generatorURL": "", "fingerprint": "a1a2a3a4a5a6a7a8" },
        ],
    })
}

#[tokio::test]
async fn alerts_are_told_with_what_is_wrong_and_where() {
    let post = one(Format::Alertmanager, &[JSON], &alert()).await;
    assert_eq!(
        post.text,
        "[FIRING:1 RESOLVED:1] HighLatency\n\
         🔥 p99 is 2 s (instance=a, severity=page)\nsince noon\nhttp://prom/graph?g0\n\
         ✅ HighLatency (instance=b)"
    );
}

#[tokio::test]
async fn the_same_notification_has_the_same_id_for_an_hour() {
    let id = async |body: &Value, hour: u64| {
        let request = request(&[JSON], &body.to_string());
        read(Format::Alertmanager, &request, hour, &[]).await.unwrap()[0].id.clone().unwrap()
    };
    let first = id(&alert(), 7).await;
    let mut again = alert();
    again["externalURL"] = json!("http://the-other-am:9093");
    again["alerts"].as_array_mut().unwrap().reverse();
    assert_eq!(id(&again, 7).await, first, "the order of the alerts says nothing");
    assert_ne!(id(&alert(), 8).await, first, "a reminder");
    for (path, value) in [
        ("/alerts/0/status", "resolved"),
        ("/alerts/0/fingerprint", "c"),
        ("/alerts/0/startsAt", "2026-03-02T12:00:00.000Z"),
        ("/groupKey", "{}"),
    ] {
        let mut other = alert();
        *other.pointer_mut(path).unwrap() = json!(value);
        assert_ne!(id(&other, 7).await, first, "{path}");
    }
}

#[tokio::test]
async fn a_storm_of_alerts_is_counted() {
    let mut body = alert();
    let one_alert = body["alerts"][0].clone();
    body["alerts"] = vec![one_alert; 25].into();
    body["truncatedAlerts"] = json!(3);
    let text = one(Format::Alertmanager, &[JSON], &body).await.text;
    assert!(text.starts_with("[FIRING:25] HighLatency\n"), "{text}");
    assert!(text.ends_with("… and 8 more"), "{text}");
}

#[tokio::test]
async fn bodies_of_another_shape_are_refused_with_a_reason() {
    let mut newer = alert();
    newer["version"] = json!("5");
    let with = |alerts: Value| json!({ "version": "4", "alerts": alerts });
    let bodies =
        [newer, json!({ "version": "4" }), json!([]), json!({ "version": 4, "alerts": [] })];
    for body in bodies.into_iter().chain([with(json!("x")), with(json!([])), with(json!([1]))]) {
        let error = posts(Format::Alertmanager, &[JSON], &body.to_string()).await.unwrap_err();
        assert_eq!(error.0, 400, "{error:?}");
    }
    for format in [Format::Github, Format::Gitea, Format::Gitlab, Format::Cloudevents] {
        for body in ["", "{", "[]", "5", "{}"] {
            let error = posts(format, &[JSON], body).await.unwrap_err();
            assert_eq!(error.0, 400, "{format:?} {body}: {error:?}");
        }
    }
}

async fn github(event: &str, body: Value) -> String {
    let headers = [JSON, ("x-github-event", event), ("x-github-delivery", "72d3162e")];
    let post = one(Format::Github, &headers, &body).await;
    assert_eq!(post.id.as_deref(), Some("72d3162e"));
    post.text
}

/// The parts that every payload of GitHub has.
fn hub(more: &Value) -> Value {
    let mut body = json!({
        "repository": { "full_name": "Codertocat/Hello-World" },
        "sender": { "login": "Codertocat" },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_push_names_branch_and_commits() {
    let push = |more: Value| {
        let mut body = hub(&json!({
            "ref": "refs/heads/main", "created": false, "deleted": false, "forced": false,
            "compare": "https://github.com/c/6113728f27ae...000000000000", "commits": [],
        }));
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let commit = json!({ "id": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "message": "Fix it\n\nat last", "author": { "name": "Mona", "username": "octocat" } });
    assert_eq!(
        github("push", push(json!({ "commits": [commit] }))).await,
        "[Codertocat/Hello-World] Codertocat pushed 1 commit to main\n\
         - 6dcb09b Fix it (octocat)\nhttps://github.com/c/6113728f27ae...000000000000"
    );
    let many = github("push", push(json!({ "commits": vec![commit; 7], "forced": true }))).await;
    assert!(many.contains("force-pushed 7 commits") && many.contains("- … and 2 more"), "{many}");
    assert_eq!(
        github("push", push(json!({ "ref": "refs/tags/simple-tag", "deleted": true }))).await,
        "[Codertocat/Hello-World] Codertocat deleted the tag simple-tag"
    );
    let created = github("push", push(json!({ "created": true }))).await;
    assert!(created.contains("created the branch main"), "{created}");
}

#[tokio::test]
async fn events_of_github_are_told_in_a_line_and_an_address() {
    let place = "[Codertocat/Hello-World]";
    let issue =
        json!({ "number": 1, "title": "Spelling error", "html_url": "https://github.com/i/1" });
    assert_eq!(
        github("issues", hub(&json!({ "action": "opened", "issue": issue }))).await,
        format!("{place} Codertocat opened issue #1 Spelling error\nhttps://github.com/i/1")
    );
    let comment = json!({ "action": "created", "issue": issue, "comment": { "body": "x".repeat(400), "html_url": "https://c" } });
    assert_eq!(
        github("issue_comment", hub(&comment)).await,
        format!(
            "{place} Codertocat commented on #1 Spelling error\n{}…\nhttps://c",
            "x".repeat(300)
        )
    );
    let pull = |action: &str, merged: bool| {
        hub(
            &json!({ "action": action, "pull_request": { "number": 2, "title": "T", "html_url": "https://p", "merged": merged } }),
        )
    };
    for (action, merged, expected) in [
        ("opened", false, "opened"),
        ("closed", false, "closed"),
        ("closed", true, "merged"),
        ("synchronize", false, "updated"),
        ("ready_for_review", false, "ready for review"),
    ] {
        assert_eq!(
            github("pull_request", pull(action, merged)).await,
            format!("{place} Codertocat {expected} pull request #2 T\nhttps://p")
        );
    }
    let release = json!({ "action": "published", "release": { "tag_name": "0.0.1", "name": null, "html_url": "https://r" } });
    assert_eq!(
        github("release", hub(&release)).await,
        format!("{place} Codertocat published release 0.0.1\nhttps://r")
    );
    let run = |action: &str| json!({ "action": action, "workflow_run": { "name": "CI", "head_branch": "main", "conclusion": "timed_out", "run_number": 12, "html_url": "https://w" } });
    assert_eq!(
        github("workflow_run", hub(&run("completed"))).await,
        format!("{place} workflow CI on main: timed out (run 12)\nhttps://w")
    );
    assert_eq!(
        github("workflow_run", hub(&run("requested"))).await,
        format!("{place} Codertocat workflow run requested")
    );
    assert_eq!(
        github("ping", hub(&json!({ "zen": "Design for failure." }))).await,
        format!("{place} the webhook is set up\nDesign for failure.")
    );
    assert_eq!(
        github("star", hub(&json!({ "action": "created" }))).await,
        format!("{place} Codertocat star created")
    );
    assert_eq!(github("meta", json!({})).await, "meta");
}

#[tokio::test]
async fn gitea_is_read_by_its_own_headers() {
    let body = hub(
        &json!({ "action": "opened", "issue": { "number": 3, "title": "T", "html_url": "https://g" } }),
    );
    let headers = [JSON, ("x-gitea-event", "issues"), ("x-gitea-delivery", "d")];
    let post = one(Format::Gitea, &headers, &body).await;
    assert_eq!(post.text, "[Codertocat/Hello-World] Codertocat opened issue #3 T\nhttps://g");
    assert_eq!(post.id.as_deref(), Some("d"));
}

#[tokio::test]
async fn events_of_gitlab_are_told() {
    let said = async |body: Value| {
        let headers = [JSON, ("x-gitlab-event", "Push Hook"), ("idempotency-key", "f5e5f430")];
        let post = one(Format::Gitlab, &headers, &body).await;
        assert_eq!(post.id.as_deref(), Some("f5e5f430"));
        post.text
    };
    let project = json!({ "path_with_namespace": "mike/diaspora" });
    let push = json!({
        "object_kind": "push", "user_username": "jsmith", "project": project, "ref": "refs/heads/master",
        "before": "95790bf8", "after": "da156088", "total_commits_count": 4,
        "commits": [{ "id": "b6568db1bc1dcd7f", "message": "Update Catalan translation\n\nSee", "author": { "name": "Jordi Mallach" } }],
    });
    assert_eq!(
        said(push).await,
        "[mike/diaspora] jsmith pushed 4 commits to master\n- b6568db Update Catalan translation (Jordi Mallach)"
    );
    let of = |kind: &str, attributes: Value| json!({ "object_kind": kind, "user": { "username": "root" }, "project": project, "object_attributes": attributes });
    assert_eq!(
        said(of(
            "issue",
            json!({ "iid": 23, "title": "New API", "action": "open", "url": "http://i" })
        ))
        .await,
        "[mike/diaspora] root opened issue #23 New API\nhttp://i"
    );
    assert_eq!(
        said(of(
            "merge_request",
            json!({ "iid": 1, "title": "MS", "action": "merge", "url": "http://m" })
        ))
        .await,
        "[mike/diaspora] root merged merge request !1 MS\nhttp://m"
    );
    assert_eq!(
        said(of("pipeline", json!({ "ref": "master", "status": "failed", "url": "http://p" })))
            .await,
        "[mike/diaspora] pipeline on master: failed\nhttp://p"
    );
    assert_eq!(
        said(of("build", json!({ "status": "created" }))).await,
        "[mike/diaspora] root build created"
    );
}

#[tokio::test]
async fn cloud_events_come_structured_binary_and_in_batches() {
    let event = |id: &str, data: Value| json!({ "specversion": "1.0", "id": id, "source": "/cart", "type": "com.shop.order", "subject": "7", "data": data });
    let structured = ("content-type", "application/cloudevents+json; charset=UTF-8");
    let post = one(Format::Cloudevents, &[structured], &event("A1", json!({ "text": "hi" }))).await;
    assert_eq!((post.text.as_str(), post.id.as_deref()), ("hi", Some("5 /cart A1")));
    let post = one(Format::Cloudevents, &[structured], &event("A1", json!(null))).await;
    assert_eq!(post.text, "com.shop.order from /cart\n7");

    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "A2"),
        ("ce-source", "/cart%20%E4%BD%A0"),
        ("ce-type", "t"),
        JSON,
    ];
    let post = one(Format::Cloudevents, &binary, &json!({ "message": "m" })).await;
    assert_eq!((post.text.as_str(), post.body["source"].as_str()), ("m", Some("/cart 你")));
    let mut request = request(&binary[..4], "");
    request.body = vec![0xff, 0].into();
    let bytes = read(Format::Cloudevents, &request, 0, &[]).await.unwrap().remove(0);
    assert_eq!(bytes.body["data_base64"], json!("/wA="));

    let batch = ("content-type", "application/cloudevents-batch+json");
    let body = json!([event("1", json!("one")), event("2", json!("two"))]);
    let all = posts(Format::Cloudevents, &[batch], &body.to_string()).await.unwrap();
    assert_eq!(all.iter().map(|post| post.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let long = json!(vec![event("1", json!("x")); 101]).to_string();
    assert_eq!(posts(Format::Cloudevents, &[batch], &long).await.unwrap_err().0, 400);
    let avro = ("content-type", "application/cloudevents+avro");
    assert_eq!(posts(Format::Cloudevents, &[avro], "x").await.unwrap_err().0, 400);
    let old = event("1", json!(null)).to_string().replace("1.0", "0.3");
    assert_eq!(posts(Format::Cloudevents, &[structured], &old).await.unwrap_err().0, 400);
}

#[tokio::test]
async fn two_events_never_share_an_id_by_where_source_ends() {
    let structured = ("content-type", "application/cloudevents+json");
    let id = async |source: &str, id: &str| {
        let event = json!({ "specversion": "1.0", "id": id, "source": source, "type": "t" });
        one(Format::Cloudevents, &[structured], &event).await.id
    };
    assert_ne!(id("a b", "c").await, id("a", "b c").await);
}

#[tokio::test]
async fn a_standard_webhook_says_its_data_or_its_type() {
    let headers = [JSON, ("webhook-id", "msg_1")];
    let said = async |body: Value| one(Format::StandardWebhooks, &headers, &body).await;
    let post =
        said(json!({ "type": "invoice.paid", "data": { "title": "Paid", "text": "5 €" } })).await;
    assert_eq!((post.text.as_str(), post.id.as_deref()), ("Paid\n5 €", Some("msg_1")));
    assert_eq!(said(json!({ "type": "invoice.paid", "data": {} })).await.text, "invoice.paid");
    assert_eq!(posts(Format::StandardWebhooks, &[JSON], "{}").await.unwrap_err().0, 400);
}

/// A callback with these fields besides those that all have.
fn callback(fields: &Value) -> Value {
    let mut body = json!({ "callId": "easebot#demo_7", "appkey": "easebot#demo", "eventType": "chat", "from": "alice", "to": "bob", "msg_id": "7", "timestamp": 1 });
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn what_easemob_tells_is_said_in_a_line() {
    let message = |bodies: Value| json!({ "chat_type": "chat", "payload": { "bodies": [bodies] } });
    let muc = json!({ "chat_type": "muc", "group_id": "1001", "from": "easebot#demo_alice@easemob.com/web_1", "to": "bob", "payload": { "operation": "add_mute" } });
    let roster = json!({ "chat_type": "roster", "from": "easebot#demo_a_b@easemob.com", "payload": { "operation": "remote_accept" } });
    let status = json!({ "eventType": "userStatus", "from": null, "user": "easebot#demo_carol@easemob.com/ios_8", "status": "offline", "reason": "replaced" });
    let group = json!({ "eventType": null, "event": "group_op_event", "id": "1001", "type": "GROUP", "operation": "LEAVE", "operator": "@ppAdmin", "from": null, "payload": { "member": ["bob", "eve"], "type": "KICK" } });
    let alert = json!({ "eventType": "keyword_alert", "contentOwner": "eve", "contentReceiver": "bob", "alertReason": "intercepted", "status": "refuse" });
    for (fields, expected) in [
        (message(json!({ "type": "txt", "msg": "hi" })), "alice to bob: hi"),
        (
            message(json!({ "type": "img", "filename": "cat.png" })),
            "alice to bob: (picture: cat.png)",
        ),
        (
            message(json!({ "type": "txt", "subType": "sub_combine", "title": "talk" })),
            "alice to bob: (forwarded messages: talk)",
        ),
        // Before a message goes out, as some documents show it.
        (
            json!({ "eventType": null, "chat_type": "groupchat", "group_id": "1001", "payload": { "msg": "hi", "type": "txt" } }),
            "alice in 1001: hi",
        ),
        (
            json!({ "chat_type": "read_ack", "payload": { "ack_message_id": "5" } }),
            "alice has read 5 to bob",
        ),
        (json!({ "chat_type": "channel_ack" }), "alice has read all to bob"),
        (
            json!({ "chat_type": "recall", "recall_id": "5", "group_id": "1001" }),
            "alice took back 5 in 1001",
        ),
        (
            json!({ "chat_type": "edit", "payload": { "edit_message_id": "5", "bodies": [{ "type": "txt", "msg": "ho" }] } }),
            "alice changed 5 to bob: ho",
        ),
        (muc, "1001 add mute by alice: bob"),
        (roster, "a_b remote accept bob"),
        (status, "carol is offline (replaced)"),
        (group, "1001 leave kick by @ppAdmin: bob, eve"),
        (alert, "eve to bob: intercepted (refuse)"),
        (
            json!({ "chat_type": "notify", "group_id": "1001", "payload": { "type": "reaction" } }),
            "reaction in 1001 by alice",
        ),
    ] {
        let post = one(Format::Easemob, &[JSON], &callback(&fields)).await;
        assert_eq!((post.text.as_str(), post.id.as_deref()), (expected, Some("easebot#demo_7")));
    }
    let refused = posts(Format::Easemob, &[JSON], "{}").await.unwrap_err();
    assert_eq!(refused, (400, "the body: it has no `callId`".to_owned()));
}

#[tokio::test]
async fn what_a_bot_did_is_not_told_again() {
    let bot = |app: &str| BotInfo {
        name: "b".to_owned(),
        user: "alice".into(),
        app_key: app.parse().unwrap(),
    };
    let told = async |from: &str, bots: &[BotInfo]| {
        let body = callback(&json!({ "from": from, "chat_type": "chat" })).to_string();
        read(Format::Easemob, &request(&[JSON], &body), 0, bots).await.unwrap().len()
    };
    for from in ["alice", "Alice", "easebot#demo_alice@easemob.com/web_1"] {
        assert_eq!(told(from, &[bot("easebot#demo")]).await, 0, "{from}");
        assert_eq!(told(from, &[bot("other#app")]).await, 1, "{from}");
    }
    assert_eq!(told("alice2", &[bot("easebot#demo")]).await, 1);
}
