//! What goes in, what comes out.

use super::*;

use crate::model::Field;
use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;

/// Normalizes fields given as `name=text` and returns all of them as `name=json`, in order.
fn normalized(fields: &[&str], origin: Option<&Origin>) -> Vec<String> {
    let normalizer = Normalizer::default();
    let mut event = Event::new("raw", Timestamp(1_773_489_600_000_000_000));
    for field in fields {
        let (name, text) = field.split_once('=').expect("name=text");
        event.push(Name::new(name.to_owned()), text.to_owned());
    }
    normalizer.normalize(&mut event, origin);
    let show = |(name, value): &(Name<'_>, Value<'_>)| {
        format!("{}={}", name.as_str(), serde_json::to_string(value).expect("serializes"))
    };
    event.fields.iter().map(show).collect()
}

/// Asserts that all of `expected` comes out, and none of `absent` (names).
fn check(fields: &[&str], expected: &[&str], absent: &[&str]) {
    let out = normalized(fields, None);
    for want in expected {
        assert!(out.iter().any(|have| have == want), "{fields:?} lacks {want}: {out:#?}");
    }
    for name in absent {
        assert!(!out.iter().any(|have| have.split('=').next() == Some(name)), "{fields:?} has {name}: {out:#?}");
    }
}

#[test]
fn values_get_the_kind_of_their_field() {
    for (fields, expected, absent) in [
        (&["source.ip=10.0.0.1", "source.port=22"][..], &[r#"source.ip="10.0.0.1""#, "source.port=22"][..], &[][..]),
        (&["source.ip=::ffff:10.0.0.1"], &[r#"source.ip="10.0.0.1""#], &[]),
        (&["source.ip=[2001:DB8::1]:443"], &[r#"source.ip="2001:db8::1""#, "source.port=443"], &[]),
        (&["source.ip=10.0.0.1:443", "source.port=1"], &[r#"source.ip="10.0.0.1""#, "source.port=1"], &[]),
        (&["source.ip=fe80::1%eth0"], &[r#"source.ip="fe80::1""#], &[]),
        (&["dns.resolved_ip=10.0.0.1, 10.0.0.2"], &[r#"dns.resolved_ip=["10.0.0.1","10.0.0.2"]"#], &[]),
        (&["source.ip=web01"], &[r#"source.address="web01""#, r#"source.domain="web01""#], &["source.ip"]),
        (
            &["source.ip=web01", "source.address=x"],
            &[r#"source.ip.text="web01""#, r#"source.address="x""#],
            &["source.ip"],
        ),
        (&["host.ip=unknown"], &[r#"host.ip.text="unknown""#], &["host.ip"]),
        (&["source.port=-", "source.bytes=N/A", "source.ip="], &[], &["source.port", "source.bytes", "source.ip"]),
        (
            &["source.port=http", "source.bytes=0x10", "file.size=1.0"],
            &[r#"source.port.text="http""#, "source.bytes=16", "file.size=1"],
            &["source.port"],
        ),
        (&["event.risk_score=7.5", "tls.established=yes"], &["event.risk_score=7.5", "tls.established=true"], &[]),
        (
            &["event.start=2026-03-14T00:00:00Z", "event.end=soon"],
            &[r#"event.start="2026-03-14T00:00:00.000Z""#, r#"event.end.text="soon""#],
            &["event.end"],
        ),
        (&["user.name=Ho\u{300}a"], &["user.name=\"Hòa\""], &[]),
        (&["device.thing=Ho\u{300}a"], &["device.thing=\"Hòa\""], &[]),
    ] {
        check(fields, expected, absent);
    }
}

#[test]
fn parts_are_filled_in_and_never_replaced() {
    for (fields, expected, absent) in [
        (
            &["url.original=https://an@portal.example.vn:8443/a/b.jsp?x=1#top"][..],
            &[
                r#"url.scheme="https""#,
                r#"url.username="an""#,
                r#"url.domain="portal.example.vn""#,
                "url.port=8443",
                r#"url.path="/a/b.jsp""#,
                r#"url.query="x=1""#,
                r#"url.fragment="top""#,
                r#"url.extension="jsp""#,
            ][..],
            &[][..],
        ),
        (
            &["url.original=/x?a=http://b/c.d", "url.domain=h"],
            &[r#"url.path="/x""#, r#"url.query="a=http://b/c.d""#, r#"url.domain="h""#],
            &["url.extension", "url.scheme"],
        ),
        (
            &["url.original=http://[2001:db8::1]:80/"],
            &[r#"url.domain="2001:db8::1""#, "url.port=80", r#"url.path="/""#],
            &[],
        ),
        (&["url.original=host:443"], &[], &["url.path", "url.scheme", "url.domain"]),
        (&["url.original=/é?ế"], &[r#"url.path="/é""#, r#"url.query="ế""#], &[]),
        (&["file.path=/etc/passwd"], &[r#"file.name="passwd""#, r#"file.directory="/etc""#], &["file.extension"]),
        (
            &["file.path=C:\\Users\\an\\a.TXT"],
            &[r#"file.name="a.TXT""#, r#"file.directory="C:\\Users\\an""#, r#"file.extension="TXT""#],
            &[],
        ),
        (&["file.path=C:\\x"], &[r#"file.directory="C:\\""#], &[]),
        (&["process.executable=C:\\Windows\\cmd.exe"], &[r#"process.name="cmd.exe""#], &[]),
        (&["process.executable=/bin/a", "process.name=b"], &[r#"process.name="b""#], &[]),
        (&["process.name=/usr/sbin/cron"], &[r#"process.name="cron""#, r#"process.executable="/usr/sbin/cron""#], &[]),
        (&["process.name=postfix/smtpd"], &[r#"process.name="postfix/smtpd""#], &["process.executable"]),
        (&["user.name=TINH\\an.nv"], &[r#"user.name="an.nv""#, r#"user.domain="TINH""#], &[]),
        (&["user.name=a\\b", "user.domain=X"], &[r#"user.name="b""#, r#"user.domain="X""#], &[]),
        (&["user.name=\\"], &[r#"user.name="\\""#], &["user.domain"]),
    ] {
        check(fields, expected, absent);
    }
}

#[test]
fn words_take_their_ecs_form() {
    for (field, expected) in [
        ("event.outcome=Accepted", r#"event.outcome="success""#),
        ("event.outcome=denied", r#"event.outcome="failure""#),
        ("event.outcome=perhaps", r#"event.outcome="perhaps""#),
        ("network.direction=IN", r#"network.direction="inbound""#),
        ("network.transport=6", r#"network.transport="tcp""#),
        ("network.transport=UDP", r#"network.transport="udp""#),
        ("network.iana_number=1", r#"network.transport="icmp""#),
        ("network.protocol=HTTPS", r#"network.protocol="https""#),
        ("http.request.method=get", r#"http.request.method="GET""#),
        ("log.level=ERROR", r#"log.level="error""#),
        ("log.syslog.severity.code=4", r#"log.level="warning""#),
        ("user.name=x", r#"event.kind="event""#),
        ("event.kind=alert", r#"event.kind="alert""#),
    ] {
        check(&[field], &[expected], &[]);
    }
}

#[test]
fn a_connection_gets_type_direction_and_related() {
    check(
        &[
            "source.ip=10.0.0.1",
            "destination.ip=203.0.113.9",
            "user.name=an",
            "source.user.name=an",
            "host.hostname=fw1",
        ],
        &[
            r#"network.type="ipv4""#,
            r#"network.direction="outbound""#,
            r#"source.address="10.0.0.1""#,
            r#"host.name="fw1""#,
            r#"related.ip=["10.0.0.1","203.0.113.9"]"#,
            r#"related.user=["an"]"#,
            r#"related.hosts=["fw1"]"#,
        ],
        &["related.hash"],
    );
    check(
        &["source.address=2001:db8::1", "destination.ip=fd00::1"],
        &[r#"source.ip="2001:db8::1""#, r#"network.direction="inbound""#, r#"network.type="ipv6""#],
        &[],
    );
    check(&["source.ip=10.0.0.1"], &[], &["network.type", "network.direction"]);
    check(&["related.ip=192.0.2.7", "source.ip=10.0.0.1"], &[r#"related.ip=["192.0.2.7","10.0.0.1"]"#], &[]);
}

#[test]
fn addresses_have_a_scope() {
    for (address, expected) in [
        ("127.0.0.1", Scope::Loopback),
        ("10.1.1.1", Scope::Private),
        ("100.64.0.1", Scope::Private),
        ("100.128.0.1", Scope::Public),
        ("224.0.0.5", Scope::Group),
        ("203.0.113.1", Scope::Public),
        ("::1", Scope::Loopback),
        ("fe80::1", Scope::Private),
        ("fd12::1", Scope::Private),
        ("ff02::1", Scope::Group),
        ("2001:db8::1", Scope::Public),
        ("::ffff:10.0.0.1", Scope::Private),
    ] {
        assert_eq!(scope(address.parse().expect("an address")), expected, "{address}");
    }
}

#[test]
fn claimed_observed_and_proven_host_stay_apart() {
    let origin = |peer: &str, identity: Option<&str>| Origin {
        input: "syslog_tls".to_owned(),
        peer: Some(peer.parse().expect("an address")),
        identity: identity.map(str::to_owned),
    };
    for (claimed, peer, identity, mismatch) in [
        ("web01", "10.0.0.1:514", None, false),
        ("10.0.0.1", "10.0.0.1:514", None, false),
        ("10.0.0.2", "10.0.0.1:514", None, true),
        ("web01", "10.0.0.1:514", Some("CN=WEB01.example.vn,O=x"), false),
        ("web02", "10.0.0.1:514", Some("CN=web01.example.vn"), true),
        ("web01.a.vn", "10.0.0.1:514", Some("web01.b.vn"), true),
    ] {
        let origin = origin(peer, identity);
        let out = normalized(&[&format!("host.hostname={claimed}")], Some(&origin));
        assert!(out.contains(&r#"longan.peer.ip="10.0.0.1""#.to_owned()), "{out:?}");
        assert!(out.contains(&r#"longan.input="syslog_tls""#.to_owned()), "{out:?}");
        assert_eq!(out.contains(&"longan.host.mismatch=true".to_owned()), mismatch, "{claimed} {peer} {identity:?}");
    }
}

#[test]
fn assets_are_added() {
    let text = "[[asset]]\nmatch = [\"10.0.0.0/8\"]\nunit = \"Sở Y tế\"\ncriticality = \"high\"\n";
    let assets = assets::read_toml(std::path::Path::new("a.toml"), text).expect("no problems");
    let normalizer = Normalizer::new(Config { assets, ..Config::default() });
    let mut event = Event::new("raw", Timestamp(0));
    event.push(ecs::DESTINATION_IP, "10.3.3.3");
    normalizer.normalize(&mut event, None);
    assert_eq!(event.get(ecs::LONGAN_ASSET_UNIT), Some(&Value::from("Sở Y tế")));
    assert_eq!(event.get(ecs::LONGAN_ASSET_OWNER), None);
}

#[test]
fn normalizing_twice_changes_nothing() {
    let normalizer = Normalizer::default();
    let mut event = Event::new("raw", Timestamp(0));
    for (name, text) in [
        ("source.ip", "10.0.0.1:5"),
        ("url.original", "http://a/b.c?d"),
        ("user.name", "D\\u"),
        ("file.path", "/a/b"),
        ("process.name", "/usr/bin/x"),
        ("source.port", "5"),
        ("host.hostname", "10.0.0.9"),
        ("event.outcome", "ok"),
    ] {
        event.push(Name::new(name), text);
    }
    normalizer.normalize(&mut event, None);
    let once = event.owned_fields();
    normalizer.normalize(&mut event, None);
    assert_eq!(event.owned_fields(), once);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(values in proptest::collection::vec((0..Field::count(), "\\PC{0,30}|[a-z:/?#@.\\\\\\[\\]0-9]{0,30}"), 0..20)) {
        let normalizer = Normalizer::default();
        let mut event = Event::new("raw", Timestamp(0));
        let fields: Vec<Field> = Field::all().collect();
        for (index, text) in &values {
            event.set(fields[*index], text.as_str());
        }
        normalizer.normalize(&mut event, None);
    }
}
