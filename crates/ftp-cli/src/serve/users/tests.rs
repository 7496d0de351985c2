//! Who is let in.

use super::*;

fn parse(text: &str, anonymous: bool) -> Result<Users, String> {
    Users::parse(text, Form::Lines, anonymous)
}

fn decide(users: &Users, name: &str, password: &str, account: Option<&str>) -> Decision {
    let account = account.map(|account| Account::new(account).unwrap());
    users.decide(
        &Username::new(name).unwrap(),
        Some(&Password::new(password).unwrap()),
        account.as_ref(),
    )
}

#[test]
fn a_file_says_who_may_log_in() {
    let hash = Hash::of(b"sesame").unwrap();
    let text = format!("# users\n\nanna:{hash}\n an na :{hash}:pay roll \n");
    let users = parse(&text, false).unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!(decide(&users, "anna", "sesame", None), Decision::Accept);
    assert_eq!(decide(&users, "anna", "Sesame", None), Decision::Reject);
    assert_eq!(decide(&users, "Anna", "sesame", None), Decision::Reject);
    assert_eq!(decide(&users, "anonymous", "x@y", None), Decision::Reject);
    assert_eq!(decide(&users, "nobody", "nobody", None), Decision::Reject);
    assert_eq!(
        decide(&users, " an na ", "sesame", None),
        Decision::NeedAccount
    );
    assert_eq!(
        decide(&users, " an na ", "sesame", Some("pay roll ")),
        Decision::Accept
    );
    assert_eq!(
        decide(&users, " an na ", "sesame", Some("pay roll")),
        Decision::Reject
    );
    assert_eq!(
        decide(&users, " an na ", "wrong", Some("pay roll ")),
        Decision::Reject
    );
}

/// "held for nothing" at the least cost there is, and at twice and thrice that.
const CHEAP: [&str; 3] = [
    "$argon2id$v=19$m=8,t=1,p=1$aGVsZCBzZXNzaW9ucw$6uRzZSpeB5ec4+KZUvgBjgMtdIX+iYzPZjhf/Vj+gxw",
    "$argon2id$v=19$m=8,t=2,p=1$aGVsZCBzZXNzaW9ucw$pQR2fYZ6VLp6P7sGSEOtRCyZBwZtsQ7o3cEhyq8oQYw",
    "$argon2id$v=19$m=24,t=1,p=1$aGVsZCBzZXNzaW9ucw$pQR2fYZ6VLp6P7sGSEOtRCyZBwZtsQ7o3cEhyq8oQYw",
];

/// The costs of what is computed for a name.
fn costs_of(users: &Users, name: &str) -> Vec<crate::hash::Costs> {
    let user = users.users.get(name.as_bytes());
    users.hashes_for(user).map(Hash::costs).collect()
}

#[test]
fn a_check_costs_the_same_for_every_name_known_or_not() {
    let dear = Hash::of(b"sesame").unwrap();
    for hashes in [
        vec![CHEAP[0].to_owned()],
        vec![dear.to_string()],
        vec![CHEAP[0].to_owned(), dear.to_string()],
        vec![dear.to_string(), CHEAP[1].to_owned(), CHEAP[1].to_owned()],
        CHEAP.map(str::to_owned).to_vec(),
        vec![],
    ] {
        let line = |(n, hash): (usize, &String)| format!("user{n}:{hash}\n");
        let text: String = hashes.iter().enumerate().map(line).collect();
        let users = parse(&text, true).unwrap();
        let of_nobody = costs_of(&users, "nobody-here");
        assert_eq!(costs_of(&users, "anonymous"), of_nobody);
        for (n, hash) in hashes.iter().enumerate() {
            assert_eq!(costs_of(&users, &format!("user{n}")), of_nobody);
            // The most expensive is among them, and no costs that no hash has.
            assert!(of_nobody.contains(&Hash::parse(hash).unwrap().costs()));
            let right = if hash == CHEAP[0] {
                "held for nothing"
            } else {
                "sesame"
            };
            if hash == CHEAP[0] || *hash == dear.to_string() {
                let name = format!("user{n}");
                assert_eq!(decide(&users, &name, right, None), Decision::Accept);
                assert_eq!(decide(&users, &name, "wrong", None), Decision::Reject);
            }
            assert_eq!(decide(&users, "nobody-here", right, None), Decision::Reject);
        }
        assert!(of_nobody.len() <= hashes.len().max(1));
    }
    // Without users, the costs are those of `hash`.
    let nobody = Users::none(false).unwrap();
    assert_eq!(costs_of(&nobody, "anna"), [dear.costs()]);
}

#[test]
fn anonymous_is_let_in_with_any_password_if_allowed() {
    let users = Users::none(true).unwrap();
    for name in ["anonymous", "ftp", "Anonymous"] {
        assert_eq!(decide(&users, name, "x@y", None), Decision::Accept);
    }
    assert_eq!(decide(&users, "anna", "nobody", None), Decision::Reject);
}

#[test]
fn errors_name_the_line_and_show_no_hash() {
    let hash = Hash::of(b"sesame").unwrap();
    for (text, says) in [
        ("anna".to_owned(), "line 1: no colon"),
        (
            format!("#\n\n:{hash}"),
            "line 3: the name must not be empty",
        ),
        ("anna:sesame".to_owned(), "line 1: the hash is not"),
        (format!("anna:{hash}:"), "line 1: the account is empty"),
        (
            format!("anna:{hash}\nanna:{hash}"),
            "line 2: anna is there already",
        ),
    ] {
        let error = parse(&text, false).unwrap_err();
        assert!(error.starts_with(says), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}

fn parse_toml(text: &str) -> Result<Users, String> {
    Users::parse(text, Form::Toml, false)
}

#[test]
fn a_table_says_more_of_a_user() {
    let hash = Hash::of(b"sesame").unwrap();
    let text = format!(
        r#"# users
[users.anna]
hash = "{hash}"
root = "homes/anna"
rights = ["read", "list", "write"]
quota = "10G:5000"
addresses = ["192.0.2.0/24", "2001:db8::1"]

[users."an na"]
hash = '{hash}'
account = "pay roll"
rights = "read-only"
quota = 1000

[users]
carla.hash = "{hash}"
"#
    );
    let users = parse_toml(&text).unwrap();
    assert_eq!(users.len(), 3);
    assert_eq!(decide(&users, "anna", "sesame", None), Decision::Accept);
    assert_eq!(decide(&users, "anna", "wrong", None), Decision::Reject);
    assert_eq!(
        decide(&users, "an na", "sesame", None),
        Decision::NeedAccount
    );
    let right = Some("pay roll");
    assert_eq!(decide(&users, "an na", "sesame", right), Decision::Accept);

    let [anna, an_na, carla] = ["anna", "an na", "carla"].map(|name| Username::new(name).unwrap());
    let terms = users.terms(b"anna").unwrap();
    assert_eq!(terms.root.as_deref(), Some("homes/anna".as_ref()));
    let quota = Quota {
        bytes: 10 << 30,
        files: 5000,
    };
    assert_eq!(terms.quota, Some(quota));
    let rights = users.rights(&anna);
    assert!(rights.read && rights.list && rights.write && !rights.overwrite && !rights.delete);
    assert_eq!(users.rights(&an_na), Rights::READ_ONLY);
    assert_eq!(users.terms(b"an na").unwrap().quota.unwrap().bytes, 1000);
    assert_eq!(users.rights(&carla), Rights::ALL);
    assert_eq!(*users.terms(b"carla").unwrap(), Terms::default());
    for (name, address, may) in [
        (&anna, "192.0.2.77", true),
        (&anna, "::ffff:192.0.2.77", true),
        (&anna, "2001:db8::1", true),
        (&anna, "2001:db8::2", false),
        (&anna, "192.0.3.1", false),
        (&carla, "192.0.3.1", true),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(users.may_come_from(name, address), may, "{name} {address}");
    }
    let lines: Vec<_> = users.in_order().iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [2, 9, 16]);
}

#[test]
fn faults_of_tables_have_lines_and_show_no_secret() {
    let hash = Hash::of(b"sesame").unwrap();
    let of_anna = |more: &str| format!("[users.anna]\nhash = \"{hash}\"\n{more}\n");
    for (text, says) in [
        ("sesame".to_owned(), "line 1: "),
        ("[users]\nanna = 'sesame".to_owned(), "line 2: "),
        (
            "[user.anna]".to_owned(),
            "line 1: the key \"user\" is not known here; known are: users",
        ),
        ("users = 3".to_owned(), "line 1: users must be a table"),
        (
            "[users]\nanna = 'sesame'".to_owned(),
            "line 2: a user must be a table",
        ),
        (
            "[users.'']\n".to_owned(),
            "line 1: the name must not be empty",
        ),
        ("\n[users.anna]\n".to_owned(), "line 2: anna has no hash"),
        (
            "[users.anna]\nhash = 3".to_owned(),
            "line 2: hash must be a text in quotes",
        ),
        (
            "[users.anna]\n\nhash = 'sesame'".to_owned(),
            "line 3: the hash is not a PHC string",
        ),
        (of_anna("[users.anna]"), "line 3: "),
        (
            of_anna("hashes = 3"),
            "line 3: the key \"hashes\" is not known here; known are: hash, ",
        ),
        (of_anna("account = 'sesame\\u0000'"), ""),
        (of_anna("account = 3141"), "line 3: account must be a text"),
        (of_anna("account = ''"), "line 3: the account is empty"),
        (
            of_anna("account = \"sesame\\n\""),
            "line 3: the account holds",
        ),
        (of_anna("root = ''"), "line 3: the root \"\" is empty"),
        (of_anna("root = '../up'"), "line 3: the root \"../up\" "),
        (
            of_anna("rights = 'write'"),
            "line 3: \"write\" is not a right; there are \"all\"",
        ),
        (
            of_anna("rights = ['read', 'fly']"),
            "line 3: \"fly\" is not a right; there are read, ",
        ),
        (of_anna("rights = 7"), "line 3: rights must be "),
        (of_anna("rights = ['read', 7]"), "line 3: rights must be "),
        (of_anna("quota = 'much'"), "line 3: the bytes are a number"),
        (of_anna("quota = '0'"), "line 3: the bytes are a number"),
        (of_anna("quota = -1"), "line 3: the bytes are a number"),
        (of_anna("quota = '1K:-1'"), "line 3: the files are a number"),
        (
            of_anna("quota = '99999999T'"),
            "line 3: the bytes are a number",
        ),
        (of_anna("quota = 1.5"), "line 3: quota must be "),
        (
            of_anna("addresses = ['192.0.2.0/33']"),
            "line 3: the address \"192.0.2.0/33\": ",
        ),
        (
            of_anna("addresses = 'home'"),
            "line 3: addresses must be a list",
        ),
        (of_anna("addresses = []"), "line 3: no address is allowed"),
    ] {
        if says.is_empty() {
            // In single quotes nothing is escaped.
            assert!(parse_toml(&text).is_ok(), "{text}");
            continue;
        }
        let error = parse_toml(&text).unwrap_err();
        assert!(error.starts_with(says), "{text}: {error}");
        for secret in ["sesame", "3141", "argon2"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[test]
fn a_fault_is_the_first_of_the_file() {
    let text = "[users.zoe]\nroot = 3\n[users.anna]\nroot = 3\n";
    assert!(parse_toml(text).unwrap_err().starts_with("line 2: "));
}

#[test]
fn a_quota_is_bytes_and_files() {
    for (text, bytes, files) in [
        ("1", 1, u64::MAX),
        ("10k", 10 << 10, u64::MAX),
        ("2M:7", 2 << 20, 7),
        ("3T", 3 << 40, u64::MAX),
    ] {
        assert_eq!(Quota::parse(text), Ok(Quota { bytes, files }), "{text}");
    }
    for bad in [
        "", "0", "K", "1KK", "+1", "1.5G", "1:", "1:0", ":5", "1:2:3", "-1", "1 G",
    ] {
        assert!(Quota::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_keep_the_law() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/users");
    let mut seeds = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        law::law(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 0);
}

proptest::proptest! {
    #[test]
    fn every_file_obeys_the_law(input: Vec<u8>) {
        law::law(&input);
    }

    #[test]
    fn every_text_obeys_the_law(
        first: u8,
        lengths: [u8; 3],
        text in "([a-z\"'=:#\\[\\]\\.\n\\\\ ]|users|hash|account|SENTINEL){0,40}",
    ) {
        let mut input = vec![first];
        input.extend(lengths);
        input.extend(text.bytes());
        law::law(&input);
    }
}
