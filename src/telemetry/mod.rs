//! How the program tells about itself: its log, and the counters every module registers.

pub mod logging;
pub mod metrics;

pub use metrics::Counter;
pub use metrics::Gauge;
pub use metrics::Registry;
