//! No verb and no order of verbs moves a byte in clear where protection is required.

use ftp_proto::server::{DataProtectionPolicy, FilesConfig, NameRule, Rights, Security};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::file_service::LISTENER;
use super::harness::{Pause, Server};
use ftp_proto::server::Config;

const STEPS: [&str; 14] = [
    "AUTH TLS",
    "AUTH TLS-P",
    "PBSZ 0",
    "PROT P",
    "PROT C",
    "CCC",
    "REIN",
    "USER open",
    "EPSV",
    "PASV",
    "PORT 192,0,2,1,24,131",
    "RETR notes",
    "STOR notes",
    "MLSD",
];

/// What RFC 4217 says of data connections, written down a second time.
#[derive(Default)]
struct Model {
    is_protected: bool,
    tickets: usize,
}

impl Model {
    fn step(&mut self, server: &mut Server, step: &str, policy: DataProtectionPolicy) {
        let said = server.send(step);
        match (step, said.get(..3)) {
            ("PROT P", Some("200")) | ("AUTH TLS-P", Some("234")) => self.is_protected = true,
            ("PROT C", Some("200")) | ("AUTH TLS", Some("234")) | ("REIN", Some("220")) => {
                self.is_protected = false;
            }
            _ => {}
        }
        if server.held.listen.is_some() {
            assert_eq!(&server.listen(LISTENER)[..2], "22");
        }
        if server.held.transfer.is_some() {
            server.begin();
            let ticket = server.held.ticket.as_ref().expect("a ticket");
            assert_eq!(ticket.is_protected(), self.is_protected);
            if policy == DataProtectionPolicy::Required {
                assert!(ticket.is_protected(), "a byte would move in clear");
            }
            self.tickets += 1;
            assert_eq!(&server.open_data()[..3], "150");
            // Nothing changes under a transfer.
            assert_eq!(server.send("PROT C"), "");
            let data = server.held.data.as_ref().unwrap();
            assert_eq!(data.is_protected(), self.is_protected);
            server.move_all(b"notes");
            let mut said = server.end_data();
            if server.held.commit.is_some() {
                said = server.commit();
            }
            assert!(said.starts_with("226 "), "{said}");
            // The command that waited is answered now.
            if said.contains("\n200 ") {
                self.is_protected = false;
            }
        }
        assert_eq!(server.connection.is_data_protected(), self.is_protected);
    }
}

fn server(security: Security, policy: DataProtectionPolicy) -> Server {
    let config = Config::new()
        .security(security)
        .data_protection(policy)
        .clear_command_channel(true)
        .name_rule(|_| NameRule::Open)
        .files(FilesConfig::new().rights(Rights::ALL).active(true));
    let mut server = Server::new(config);
    server
        .connection
        .set_peer("192.0.2.1".parse().expect("an address"));
    server.said();
    server
}

fn walk(steps: &[&str], security: Security, policy: DataProtectionPolicy) -> usize {
    let mut server = server(security, policy);
    let mut model = Model::default();
    for step in steps {
        model.step(&mut server, step, policy);
        if server.run() == Pause::Closed {
            break;
        }
    }
    model.tickets
}

#[test]
fn every_short_order_of_verbs_keeps_to_the_protection() {
    const FEW: [usize; 8] = [0, 2, 3, 4, 5, 6, 8, 11];
    const LENGTH: u32 = 5;
    let mut tickets = 0;
    for number in 0..FEW.len().pow(LENGTH) {
        let mut steps = vec!["AUTH TLS", "USER open"];
        let mut rest = number;
        for _ in 0..LENGTH {
            steps.push(STEPS[FEW[rest % FEW.len()]]);
            rest /= FEW.len();
        }
        tickets += walk(
            &steps,
            Security::ExplicitTls,
            DataProtectionPolicy::Required,
        );
    }
    // `PBSZ PROT EPSV RETR` and one more, in their places.
    assert!(tickets >= 20, "{tickets}");
}

#[test]
fn protection_is_judged_at_the_transfer() {
    let mut server = server(Security::ExplicitTls, DataProtectionPolicy::Required);
    for (step, code) in [
        ("AUTH TLS", "234"),
        ("USER open", "230"),
        ("EPSV", "229"),
        ("RETR notes", "521"),
        ("PBSZ 0", "200"),
        ("PROT P", "200"),
    ] {
        let mut said = server.send(step);
        if server.held.listen.is_some() {
            said = server.listen(LISTENER);
        }
        assert_eq!(&said[..3], code, "{step}");
    }
    // The listener is still good.
    assert_eq!(server.send("RETR notes"), "");
    server.begin();
    assert!(server.held.ticket.as_ref().unwrap().is_protected());
}

proptest! {
    #[test]
    fn any_order_of_verbs_keeps_to_the_protection(
        steps in vec(select(STEPS.to_vec()), 1..60),
        is_optional in any::<bool>(),
        is_required in any::<bool>(),
    ) {
        let security = match is_optional {
            true => Security::DangerousOptionalTls,
            false => Security::ExplicitTls,
        };
        let policy = match is_required {
            true => DataProtectionPolicy::Required,
            false => DataProtectionPolicy::Optional,
        };
        walk(&steps, security, policy);
    }
}
