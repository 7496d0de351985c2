use super::*;

fn parse(text: &str) -> Target {
    Target::parse(text).unwrap()
}

#[test]
fn the_scheme_chooses_security_and_port() {
    let ftp = parse("ftp://host.example");
    assert_eq!(
        (ftp.security, ftp.address().as_str()),
        (Security::ExplicitTls, "host.example:21")
    );
    let ftps = parse("FTPS://Host.Example/");
    assert_eq!(ftps.security, Security::ImplicitTls);
    assert_eq!(ftps.address(), "host.example:990");
    assert!(ftps.path.is_start());
}

#[test]
fn a_port_that_is_the_other_schemes_default_counts() {
    assert_eq!(parse("ftps://h:21").port, 21);
    assert_eq!(parse("ftp://h:990").port, 990);
    assert_eq!(parse("ftp://h:21").port, 21);
}

#[test]
fn addresses_are_hosts_too() {
    for scheme in ["ftp", "ftps"] {
        let target = parse(&format!("{scheme}://anna@[::1]:2121"));
        assert_eq!(target.address(), "[::1]:2121");
        assert_eq!(target.host_name(), "::1");
        assert_eq!(
            parse(&format!("{scheme}://127.0.0.1")).host_name(),
            "127.0.0.1"
        );
    }
}

#[test]
fn credentials_are_percent_decoded_to_bytes() {
    for scheme in ["ftp", "ftps"] {
        let target = parse(&format!("{scheme}://an%20na%ff:p%40ss%3a%20@h"));
        assert_eq!(target.username.unwrap().as_bytes(), b"an na\xff");
        assert_eq!(target.password.unwrap().expose(), b"p@ss: ");
    }
}

/// User, password and address, or why not.
fn told(text: &str) -> Result<(Option<String>, Option<String>, String), String> {
    let shown = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match Target::parse(text) {
        Ok(target) => Ok((
            target.username.as_ref().map(|name| shown(name.as_bytes())),
            target
                .password
                .as_ref()
                .map(|password| shown(password.expose())),
            target.address(),
        )),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn an_empty_password_is_given_and_none_is_not() {
    for (text, password) in [
        ("ftp://root:@cam", Some("")),
        ("ftps://root:@cam/", Some("")),
        ("ftp://root@cam", None),
        ("ftp://root::@cam", Some(":")),
    ] {
        let (_, found, address) = told(text).unwrap();
        assert_eq!(found.as_deref(), password, "{text}");
        assert!(address.starts_with("cam:"), "{text}");
    }
}

#[test]
fn a_user_or_password_of_odd_characters_is_never_taken_for_the_host() {
    for (userinfo, user, password) in [
        (r"DOM\user:pw", r"DOM\user", "pw"),
        (r"\\DOM\user:\pw\", r"\\DOM\user", r"\pw\"),
        ("anna:p@ss", "anna", "p@ss"),
        ("anna@example.com:pw", "anna@example.com", "pw"),
        (r"evil.example\@anna:x@y", r"evil.example\@anna", "x@y"),
        (
            "änna:pässw<ord>[1]{2}^|`\"'",
            "änna",
            "pässw<ord>[1]{2}^|`\"'",
        ),
        ("anna:p;type=i", "anna", "p;type=i"),
        ("anna:100%", "anna", "100%"),
    ] {
        for scheme in ["ftp", "ftps"] {
            let (name, secret, address) = told(&format!("{scheme}://{userinfo}@h:2121")).unwrap();
            assert_eq!(name.as_deref(), Some(user));
            assert_eq!(secret.as_deref(), Some(password));
            assert_eq!(address, "h:2121");
        }
    }
}

#[test]
fn a_zone_is_for_ipv6_alone() {
    for (host, address, name) in [
        ("[fe80::1%25eth0]", "[fe80::1%eth0]:21", "fe80::1"),
        ("[fe80::1%eth0]", "[fe80::1%eth0]:21", "fe80::1"),
        ("[FE80::1%2525]:990", "[fe80::1%25]:990", "fe80::1"),
        ("[fe80::1%25]", "[fe80::1%25]:21", "fe80::1"),
        ("[fe80::1%3]", "[fe80::1%3]:21", "fe80::1"),
        ("[fe80::1%25br%2Dlan.7]", "[fe80::1%br-lan.7]:21", "fe80::1"),
    ] {
        for scheme in ["ftp", "ftps"] {
            let port = if scheme == "ftps" { ":21" } else { "" };
            let port = if host.ends_with(']') { port } else { "" };
            let target = parse(&format!("{scheme}://anna@{host}{port}"));
            assert_eq!(target.address(), address);
            assert_eq!(target.host_name(), name);
        }
    }
    for host in [
        "evil.com%x.corp.example",
        "evil.com%25x.corp.example",
        "ex%61mple.com",
        "127.0.0.1%eth0",
        "[evil.com%eth0]",
        "[127.0.0.1%eth0]",
        "[127.0.0.1]",
        "[fe80::1%]",
        "[fe80::1%25%2f]",
        "[fe80::1%25a%00]",
        "[fe80::1%a]b",
        "[fe80::1%a%b]",
        "[fe80::1%eth0",
        "fe80::1%eth0",
        "::1",
        "[]",
    ] {
        for scheme in ["ftp", "ftps"] {
            assert!(told(&format!("{scheme}://{host}")).is_err(), "{host}");
        }
    }
}

#[test]
fn the_host_is_the_one_that_is_seen() {
    for (host, address) in [
        ("FTP.Example.COM", "ftp.example.com:21"),
        ("ftp.example.com.", "ftp.example.com.:21"),
        ("bücher.example", "xn--bcher-kva.example:21"),
        ("my_nas", "my_nas:21"),
        ("192.0.2.1", "192.0.2.1:21"),
        ("h:", "h:21"),
        ("h:00021", "h:21"),
        ("h/path;type=i", "h:21"),
        ("h/back\\slash", "h:21"),
    ] {
        assert_eq!(told(&format!("ftp://{host}")).unwrap().2, address);
    }
    for bad in [
        "",
        "/",
        "//h",
        ":21",
        "@h",
        ":@h",
        "anna@",
        "anna@:21",
        "h:0",
        "h:65536",
        "h:+21",
        "h:21x",
        "h:21:22",
        "h;type=i",
        r"h\path",
        r"anna@h\@path",
        r"h\:21",
        "anna:22/ss@h",
        "anna:p/ss@h",
        "anna:p?ss@h",
        "anna:p#ss@h",
        "h?x@y",
        "0x7f.1",
        "127.1",
        "2130706433",
        "010.0.0.1",
        "127.0.0.1.",
        "1.2.3.256",
        "１２７.0.0.1",
        "h\u{a0}",
        "h\t",
        "h\n",
        "a b@h",
        "h<x>",
        "h^",
        "h|i",
        "[h]",
    ] {
        for scheme in ["ftp", "ftps"] {
            let told = told(&format!("{scheme}://{bad}"));
            assert!(told.is_err(), "{bad}: {told:?}");
        }
    }
}

#[test]
fn what_cannot_be_sent_is_refused_and_not_repeated() {
    for bad in [
        "ftp://an%0d%0ana@h",
        "ftp://anna:sesame%0d%0aDELE%20x@h",
        "ftp://anna:sesame%00@h",
        "ftp://anna:ses\name@h",
        "ftp://anna:ses#ame@h",
        "ftp://anna:sesame@",
        "ftp://:sesame@h",
        "ftp://anna:sesame@h?x",
        "ftp://anna:sesame@h:notaport",
        "ftp://anna:sesame@h:0",
        "http://anna:sesame@h",
        "anna:sesame@h",
    ] {
        let failure = Target::parse(bad).unwrap_err();
        assert_eq!(failure.exit(), crate::exit::Exit::Usage, "{bad}");
        assert!(!failure.to_string().contains("ses"), "{failure}");
    }
}
