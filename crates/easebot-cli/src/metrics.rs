//! The recorder behind `/metrics`.

use std::time::Duration;

use anyhow::Context;
use easebot_runtime::Metric;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{task::JoinSet, time::interval};

/// Counts what the bots of this process do, until it is dropped. Then it still counts, but grows.
pub(crate) struct Metrics {
    recorder: PrometheusHandle,
    _upkeep: JoinSet<()>,
}

impl Metrics {
    /// Installs the recorder of the process. Before any bot is made.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let builder = PrometheusBuilder::new().set_buckets(Metric::SECONDS);
        let recorder =
            builder.and_then(PrometheusBuilder::install_recorder).context("cannot count")?;
        let mut tasks = JoinSet::new();
        let upkeep = recorder.clone();
        tasks.spawn(async move {
            // What histograms hold until it is sorted into buckets: without this it grows while nobody asks for the page.
            let mut ticks = interval(Duration::from_secs(5));
            loop {
                ticks.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self { recorder, _upkeep: tasks })
    }

    /// Gives the page.
    pub(crate) fn render(&self) -> impl Fn() -> String + Send + Sync + 'static + use<> {
        let recorder = self.recorder.clone();
        move || recorder.render()
    }
}
