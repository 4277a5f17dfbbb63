//! Models, records, health, and addresses where nothing is.

use super::*;

#[tokio::test]
async fn models_are_listed_shown_and_restored() {
    let site = site();
    assert_eq!(site.read("/api/models").await.is(200).json(), serde_json::json!([]));
    site.read("/api/models/delays").await.is(404);
    let (first, second) = (site.queued().await, site.queued().await);
    for run in [&first, &second] {
        let version = site.service.base().join("models/delays/versions").join(run);
        std::fs::create_dir_all(&version).unwrap();
        site.succeed(run);
    }
    let models = site.read("/api/models").await.is(200).json();
    assert_eq!((&models[0]["name"], &models[0]["version"]), (&"delays".into(), &Value::from(second.as_str())));
    let versions = site.read("/api/models/delays").await.is(200).json();
    assert_eq!(versions["items"][1]["state"], "former");
    let former = &versions["items"][1]["number"];
    assert_eq!(site.read(&format!("/api/promotions/{former}")).await.is(200).json(), versions["items"][1]);
    site.read("/api/promotions/999").await.is(404);
    site.read("/api/promotions/0").await.is(400);
    let restored =
        site.post("/api/models/delays/restore", &format!(r#"{{"promotion": {former}}}"#)).await.is(200).json();
    assert_eq!(restored["version"], first.as_str());
    site.post("/api/models/other/restore", &format!(r#"{{"promotion": {former}}}"#)).await.is(404);
    site.post("/api/models/delays/restore", r#"{"promotion": 999}"#).await.is(404);
    for body in ["{}", r#"{"promotion": 0}"#, r#"{"promotion": "1"}"#] {
        site.post("/api/models/delays/restore", body).await.is(400);
    }
}

#[tokio::test]
async fn what_was_done_is_shown_to_the_administrator_only_and_messages_to_all() {
    let site = site();
    site.read("/api/audit").await.is(403);
    site.get("/api/audit?limit=1").await.is(200);
    site.get("/api/audit?subject=").await.is(400);
    let messages = site.read("/api/notifications?job=plain").await.is(200).json();
    assert_eq!(messages["items"], serde_json::json!([]));
    site.read("/api/notifications?job=A").await.is(400);
}

#[tokio::test]
async fn health_is_told_to_everybody_and_says_no_more_than_that() {
    let site = site();
    let ask = async |path: &str| site.send(Request::get(path).header("host", HOST).body(Body::empty()).unwrap()).await;
    let alive = ask("/healthz").await;
    alive.is(200);
    assert_eq!(alive.json(), serde_json::json!({"status": "ok"}));
    // Without a server that starts runs it is not ready; why is not for strangers.
    let ready = ask("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()), (503, serde_json::json!({"status": "not ready"})));
    ask("/api/health").await.is(401);
    let health = site.read("/api/health").await.is(200).json();
    assert_eq!((&health["server"], &health["version"]), (&"gristmill".into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!((&health["ready"], &health["waiting"]), (&false.into(), &0.into()));
    assert!(health["reasons"][0].as_str().unwrap().contains("no server runs here"), "{health}");
}

#[tokio::test]
async fn an_address_where_nothing_is_and_a_method_that_is_not_possible_are_told() {
    let site = site();
    site.get("/api/none").await.is(404);
    site.get("/api").await.is(404);
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"] {
        let answer = site.send(request(method, "/api/jobs", ADMIN).body(Body::empty()).unwrap()).await;
        answer.is(405);
        assert!(answer.header("allow").contains("GET"), "{method}: {:?}", answer.headers);
    }
    site.send(request("GET", "/api/jobs/plain/run", ADMIN).body(Body::empty()).unwrap()).await.is(405);
    let head = site.send(request("HEAD", "/api/jobs", ADMIN).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}
