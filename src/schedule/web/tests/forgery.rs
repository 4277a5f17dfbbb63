//! Requests that another site makes a browser send, and headers that keep a page from being used by others.

use super::*;

async fn session(site: &Site) -> String {
    let request = Request::post("/login").header("host", HOST).header("content-type", "application/json");
    let answer = site.send(request.body(Body::from(format!(r#"{{"token": "{ADMIN}"}}"#))).unwrap()).await;
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn with_a_cookie_only_a_page_of_this_server_may_change_something() {
    let site = site();
    let cookie = session(&site).await;
    let send = async |headers: &[(&str, &str)]| {
        let mut request = Request::post("/api/jobs/plain/pause").header("host", HOST).header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        site.send(request.body(Body::empty()).unwrap()).await
    };
    let strange: [&[(&str, &str)]; 7] = [
        &[],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:7879")],
        &[("origin", "http://localhost.evil.example:7878")],
        &[("origin", "http://localhost:7878"), ("sec-fetch-site", "cross-site")],
        &[("referer", "http://localhost:7878/")],
    ];
    for headers in strange {
        let answer = send(headers).await;
        answer.is(403);
    }
    assert_eq!(site.get("/api/jobs/plain").await.json()["paused"], Value::Null, "nothing was changed");
    send(&[("origin", "http://localhost:7878"), ("sec-fetch-site", "same-origin")]).await.is(200);
    send(&[("origin", "http://localhost:7878")]).await.is(200);
}

#[tokio::test]
async fn with_a_token_no_origin_is_needed_for_no_page_elsewhere_knows_it() {
    site().post("/api/jobs/plain/pause", "").await.is(200);
}

#[tokio::test]
async fn a_person_who_clicks_is_another_cause_than_a_program_that_calls() {
    let site = site();
    let cookie = session(&site).await;
    let request = Request::post("/api/jobs/closed/run").header("host", HOST).header("cookie", &cookie);
    let answer = site.send(request.header("origin", format!("http://{HOST}")).body(Body::empty()).unwrap()).await;
    let run = answer.is(202).json()["run"].as_str().unwrap().to_owned();
    let shown = site.get(&format!("/api/runs/{run}")).await.json();
    assert_eq!(shown["origin"], "manual");
    assert!(shown["requested_by"].as_str().unwrap().starts_with("admin session "), "{shown}");
}

#[tokio::test]
async fn another_page_can_log_nobody_in_or_out() {
    let site = site();
    let cookie = session(&site).await;
    let forged = Request::post("/login").header("host", HOST).header("origin", "http://evil.example");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded");
    let answer = site.send(forged.body(Body::from(format!("token={ADMIN}"))).unwrap()).await;
    answer.is(403);
    assert!(answer.header("set-cookie").is_empty());
    let out =
        Request::post("/logout").header("host", HOST).header("cookie", &cookie).header("origin", "http://evil.example");
    site.send(out.body(Body::empty()).unwrap()).await.is(403);
    let jobs = Request::get("/api/jobs").header("host", HOST).header("cookie", &cookie);
    site.send(jobs.body(Body::empty()).unwrap()).await.is(200);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_whoever_sends_it() {
    let site = site();
    for host in ["evil.example", "localhost.evil.example:7878", "127.0.0.1.nip.io", "0.0.0.0:7878", "2130706433"] {
        for path in ["/api/jobs", "/metrics", "/", "/login"] {
            let request = Request::get(path).header("host", host).header("authorization", format!("Bearer {ADMIN}"));
            let answer = site.send(request.body(Body::empty()).unwrap()).await;
            answer.is(421);
        }
    }
    for host in ["localhost", "127.0.0.1:7878", "[::1]:7878", "LOCALHOST:9999"] {
        let request = Request::get("/login").header("host", host);
        site.send(request.body(Body::empty()).unwrap()).await.is(200);
    }
    // Those who watch ask by any address, and are told nothing but that.
    site.send(Request::get("/healthz").header("host", "10.0.0.7:7878").body(Body::empty()).unwrap()).await.is(200);
}

#[tokio::test]
async fn a_request_without_one_clear_host_is_refused() {
    let site = site();
    let bare = Request::get("/login").body(Body::empty()).unwrap();
    let two = Request::get("/login").header("host", HOST).header("host", "evil.example").body(Body::empty()).unwrap();
    let user = Request::get("/login").header("host", "localhost@evil.example").body(Body::empty()).unwrap();
    let other = Request::get("http://evil.example/login").header("host", HOST).body(Body::empty()).unwrap();
    let bad = Request::get("/login").header("host", "a b").body(Body::empty()).unwrap();
    for request in [bare, two, user, other, bad] {
        site.send(request).await.is(400);
    }
}

#[tokio::test]
async fn each_answer_has_the_headers_of_safety() {
    let site = site();
    let answers = [
        site.get("/api/jobs").await,
        site.get("/none").await,
        site.get("/").await,
        site.send(Request::get("/api/jobs").header("host", HOST).body(Body::empty()).unwrap()).await,
        site.send(Request::get("/api/jobs").header("host", "evil.example").body(Body::empty()).unwrap()).await,
        site.send(Request::get("/login").header("host", HOST).body(Body::empty()).unwrap()).await,
        site.send(request("DELETE", "/api/jobs", ADMIN).body(Body::empty()).unwrap()).await,
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http:") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1);
    }
    assert!(site.get("/").await.header("content-security-policy").contains("script-src 'self'"));
}

#[tokio::test]
async fn a_report_has_no_origin_runs_no_script_and_is_framed_by_this_server_only() {
    let site = site();
    let run = site.queued().await;
    site.succeed(&run);
    std::fs::write(
        site.service.folder(&RunId::from(run.as_str())).join("report.html"),
        "<script>fetch('/api/jobs')</script>",
    )
    .unwrap();
    let report = site.read(&format!("/api/runs/{run}/report")).await;
    report.is(200);
    let policy = report.header("content-security-policy");
    let parts: Vec<&str> = policy.split("; ").collect();
    assert!(
        parts.contains(&"sandbox")
            && parts.contains(&"default-src 'none'")
            && parts.contains(&"frame-ancestors 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("script-src") && !policy.contains("allow-"), "{policy}");
    assert_eq!(report.header("x-frame-options"), "SAMEORIGIN");
    assert_eq!(report.header("x-content-type-options"), "nosniff");
    assert_eq!(report.headers.get_all("content-security-policy").iter().count(), 1);
}

#[tokio::test]
async fn no_other_site_is_allowed_to_read_answers() {
    let site = site();
    let asked = request("OPTIONS", "/api/jobs", ADMIN)
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST");
    let answer = site.send(asked.body(Body::empty()).unwrap()).await;
    answer.is(405);
    let simple =
        request("GET", "/api/jobs", ADMIN).header("origin", "http://evil.example").body(Body::empty()).unwrap();
    for answer in [answer, site.send(simple).await] {
        assert!(
            answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
            "{:?}",
            answer.headers
        );
    }
}
