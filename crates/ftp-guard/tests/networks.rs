//! Which addresses a network contains, in whatever form they come.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::common::*;
use ftp_guard::{Network, NetworkError};
use proptest::prelude::*;

fn network(text: &str) -> Network {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn a_network_is_an_address_or_all_with_the_same_first_bits() {
    for (text, inside, outside) in [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("192.0.2.77/24", "::ffff:192.0.2.1", "::192.0.2.1"),
        ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        (
            "::ffff:192.0.2.1/128",
            "::ffff:192.0.2.1",
            "::ffff:192.0.2.2",
        ),
        ("::ffff:c000:200/120", "192.0.2.9", "192.0.3.9"),
        ("::ffff:0:0/96", "8.8.8.8", "2001:db8::1"),
        ("192.0.2.0/24", "64:ff9b::192.0.2.9", "64:ff9b::192.0.3.9"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.9", "192.0.2.9"),
        (
            "64:ff9b::192.0.2.1",
            "64:ff9b::c000:201",
            "64:ff9b::c000:202",
        ),
    ] {
        assert!(network(text).contains(ip(inside)), "{text} {inside}");
        assert!(!network(text).contains(ip(outside)), "{text} {outside}");
        assert_eq!(network(&network(text).to_string()), network(text));
    }
}

#[test]
fn what_is_no_network_is_an_error() {
    for bad in [
        "",
        "localhost",
        "/8",
        "1.2.3.4:5",
        "1.2.3/8",
        "fe80::1%eth0",
    ] {
        assert_eq!(bad.parse::<Network>(), Err(NetworkError::Address), "{bad}");
    }
    for bad in [
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "192.0.2.0/+8",
        "1.2.3.4/8/8",
    ] {
        assert_eq!(
            bad.parse::<Network>(),
            Err(NetworkError::Prefix { longest: 32 }),
            "{bad}"
        );
    }
    assert_eq!(
        "::/129".parse::<Network>(),
        Err(NetworkError::Prefix { longest: 128 })
    );
}

proptest! {
    /// IPv4 addresses and networks mean the same in every form.
    #[test]
    fn every_form_of_an_ipv4_address_is_that_address(
        base in any::<u32>(),
        other in any::<u32>(),
        flips in 0_u32..=32,
        prefix in 0_u8..=32,
    ) {
        // Near to the base, or anything.
        let other = if flips == 32 { other } else { base ^ (1 << flips) };
        let (base, other) = (Ipv4Addr::from(base), Ipv4Addr::from(other));
        let plain = Network::new(base.into(), prefix).unwrap();
        let mapped = Network::new(base.to_ipv6_mapped().into(), prefix + 96).unwrap();
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let is_inside = (u32::from(base) ^ u32::from(other)) & mask == 0;
        let [a, b, c, d] = other.octets().map(u16::from);
        let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
        for form in [IpAddr::V4(other), other.to_ipv6_mapped().into(), translated.into()] {
            prop_assert_eq!(plain.contains(form), is_inside, "{} {}", plain, form);
            prop_assert_eq!(mapped.contains(form), is_inside, "{} {}", mapped, form);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9a-f:./%]{0,40}") {
        if let Ok(network) = text.parse::<Network>() {
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }
}
