//! The metrics of transfers. The labels are constants of the program, as in `metrics`.

use ftp_proto::server::TransferAction;
use ftp_tokio::TransferSummary;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::transfers::{OUTCOMES, outcome};

const DIRECTIONS: [&str; 3] = ["download", "upload", "listing"];

type Direction = [(&'static str, &'static str); 1];
type DirectionAndOutcome = [(&'static str, &'static str); 2];

/// What is counted of transfers.
#[derive(Debug)]
pub(super) struct TransferMetrics {
    ended: Family<DirectionAndOutcome, Counter>,
    bytes: Family<Direction, Counter>,
    open: Family<Direction, Gauge>,
    time: Family<Direction, Histogram, fn() -> Histogram>,
}

impl TransferMetrics {
    /// All start at 0, so that Prometheus can compute a rate for the first count.
    pub(super) fn new() -> Self {
        // From a listing to a file of gigabytes over a slow line.
        let seconds = || Histogram::new([0.01, 0.05, 0.2, 1.0, 5.0, 20.0, 60.0, 300.0, 1800.0]);
        let metrics = Self {
            ended: Family::default(),
            bytes: Family::default(),
            open: Family::default(),
            time: Family::new_with_constructor(seconds),
        };
        for direction in DIRECTIONS {
            let labels = [("direction", direction)];
            for outcome in OUTCOMES {
                drop(metrics.ended.get_or_create(&with(direction, outcome)));
            }
            drop(metrics.bytes.get_or_create(&labels));
            drop(metrics.open.get_or_create(&labels));
            drop(metrics.time.get_or_create(&labels));
        }
        metrics
    }

    pub(super) fn register(&self, all: &mut Registry) {
        all.register(
            "transfers",
            "Transfers that have ended, by result",
            self.ended.clone(),
        );
        all.register_with_unit(
            "transfer",
            "Bytes on data connections, without TLS",
            Unit::Bytes,
            self.bytes.clone(),
        );
        all.register(
            "transfers_in_progress",
            "Transfers that have begun and not ended",
            self.open.clone(),
        );
        all.register_with_unit(
            "transfer_duration",
            "From the command to the end of the transfer",
            Unit::Seconds,
            self.time.clone(),
        );
    }

    pub(super) fn start(&self, action: &TransferAction) {
        let labels = [("direction", direction(action))];
        self.open.get_or_create(&labels).inc();
    }

    pub(super) fn end(&self, transfer: &TransferSummary) {
        let direction = direction(&transfer.action);
        let labels = [("direction", direction)];
        self.open.get_or_create(&labels).dec();
        self.bytes.get_or_create(&labels).inc_by(transfer.bytes);
        let seconds = transfer.duration.as_secs_f64();
        self.time.get_or_create(&labels).observe(seconds);
        let outcome = outcome(&transfer.outcome);
        self.ended.get_or_create(&with(direction, outcome)).inc();
    }
}

fn with(direction: &'static str, outcome: &'static str) -> DirectionAndOutcome {
    [("direction", direction), ("outcome", outcome)]
}

fn direction(action: &TransferAction) -> &'static str {
    match action {
        TransferAction::Retrieve { .. } => "download",
        TransferAction::Store { .. } => "upload",
        _ => "listing",
    }
}
