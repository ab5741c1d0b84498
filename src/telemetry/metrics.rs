//! The registry of counters and gauges: named as Prometheus names them, labels bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A number that only grows; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the present value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to the value.
    pub fn add(&self, difference: i64) {
        self.0.fetch_add(difference, Ordering::Relaxed);
    }

    /// Returns the present value.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many series a registry holds at most; one more is handed out but not listed, and counted.
const SERIES_MAX: usize = 10_000;

type SeriesKey = (&'static str, Vec<(&'static str, String)>);

#[derive(Debug)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
}

/// One series with its present value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub name: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub value: i64,
}

/// All series of the process. Cloning shares the registry.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    series: Arc<Mutex<BTreeMap<SeriesKey, Series>>>,
    overflow: Counter,
}

impl Registry {
    /// Returns the counter of this name and these labels, the same one at every call. Names end in `_total`.
    pub fn counter(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Counter {
        debug_assert!(name.ends_with("_total"), "counter `{name}` must end in `_total`");
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Series::Counter(counter)) = series.get(&key(name, labels)) {
            return counter.clone();
        }
        let counter = Counter::default();
        if series.len() < SERIES_MAX {
            series.insert(key(name, labels), Series::Counter(counter.clone()));
        } else {
            self.overflow.increment();
        }
        counter
    }

    /// Returns the gauge of this name and these labels, the same one at every call.
    pub fn gauge(&self, name: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Series::Gauge(gauge)) = series.get(&key(name, labels)) {
            return gauge.clone();
        }
        let gauge = Gauge::default();
        if series.len() < SERIES_MAX {
            series.insert(key(name, labels), Series::Gauge(gauge.clone()));
        } else {
            self.overflow.increment();
        }
        gauge
    }

    /// Returns every series with its present value, in order of name and labels.
    pub fn samples(&self) -> Vec<Sample> {
        let series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series
            .iter()
            .map(|((name, labels), series)| Sample {
                name,
                labels: labels.clone(),
                value: match series {
                    Series::Counter(counter) => i64::try_from(counter.get()).unwrap_or(i64::MAX),
                    Series::Gauge(gauge) => gauge.get(),
                },
            })
            .collect()
    }

    /// Renders all series in the text format of Prometheus (version 0.0.4).
    pub fn render(&self) -> String {
        let mut out = String::new();
        let mut previous = "";
        for Sample { name, labels, value } in self.samples() {
            if name != previous {
                let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
                push_line(&mut out, format_args!("# TYPE {name} {kind}"));
                previous = name;
            }
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
            let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            push_line(&mut out, format_args!("{name}{braces} {value}"));
        }
        push_line(&mut out, format_args!("longan_metric_series_overflow_total {}", self.overflow.get()));
        out
    }
}

fn key(name: &'static str, labels: &[(&'static str, &str)]) -> SeriesKey {
    (name, labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect())
}

fn push_line(out: &mut String, line: std::fmt::Arguments<'_>) {
    let written = writeln!(out, "{line}");
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_counter() {
        let registry = Registry::default();
        registry.counter("longan_frames_total", &[("input", "udp")]).add(2);
        registry.counter("longan_frames_total", &[("input", "udp")]).increment();
        registry.gauge("longan_connections", &[("input", "t\"cp")]).set(5);
        assert_eq!(
            registry.render(),
            "# TYPE longan_connections gauge\nlongan_connections{input=\"t\\\"cp\"} 5\n\
             # TYPE longan_frames_total counter\nlongan_frames_total{input=\"udp\"} 3\n\
             longan_metric_series_overflow_total 0\n"
        );
    }
}
