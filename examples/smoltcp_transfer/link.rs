//! A link between two network interfaces: what one sends is put into a queue from which the other
//! receives. This is where a driver of real hardware would be.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// The longest packet, IP's headers included; so much as Ethernet carries.
pub(crate) const MOST_BYTES: usize = 1500;

/// One end of it.
pub(crate) struct Link {
    incoming: Lane,
    outgoing: Lane,
}

/// One direction of it.
#[derive(Clone, Default)]
pub(crate) struct Lane(Rc<RefCell<Packets>>);

#[derive(Default)]
struct Packets {
    under_way: VecDeque<Vec<u8>>,
    /// Everything that ever went over it.
    carried: Vec<Vec<u8>>,
}

impl Link {
    pub(crate) fn new() -> (Self, Self) {
        let (there, back) = (Lane::default(), Lane::default());
        let here = Self {
            incoming: back.clone(),
            outgoing: there.clone(),
        };
        let other = Self {
            incoming: there,
            outgoing: back,
        };
        (here, other)
    }

    /// Whether nothing is under way.
    pub(crate) fn is_silent(&self) -> bool {
        let lanes = [&self.incoming, &self.outgoing];
        lanes
            .iter()
            .all(|lane| lane.0.borrow().under_way.is_empty())
    }

    /// How many packets it carried each way.
    pub(crate) fn packets(&self) -> (usize, usize) {
        let count = |lane: &Lane| lane.0.borrow().carried.len();
        (count(&self.outgoing), count(&self.incoming))
    }

    /// Whether any packet had these bytes in it.
    pub(crate) fn carried(&self, bytes: &[u8]) -> bool {
        let has = |packet: &Vec<u8>| packet.windows(bytes.len()).any(|part| part == bytes);
        let lanes = [&self.incoming, &self.outgoing];
        lanes
            .iter()
            .any(|lane| lane.0.borrow().carried.iter().any(has))
    }
}

impl Device for Link {
    type RxToken<'a> = Packet;
    type TxToken<'a> = Lane;

    fn receive(&mut self, _: Instant) -> Option<(Packet, Lane)> {
        let packet = self.incoming.0.borrow_mut().under_way.pop_front()?;
        Some((Packet(packet), self.outgoing.clone()))
    }

    fn transmit(&mut self, _: Instant) -> Option<Lane> {
        Some(self.outgoing.clone())
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MOST_BYTES;
        capabilities
    }
}

/// One that arrived.
pub(crate) struct Packet(Vec<u8>);

impl RxToken for Packet {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Lane {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut packet = vec![0; length];
        let result = fill(&mut packet);
        let mut packets = self.0.borrow_mut();
        packets.carried.push(packet.clone());
        packets.under_way.push_back(packet);
        result
    }
}
