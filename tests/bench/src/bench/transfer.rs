//! Files up to a server and down from it, beside `curl` with the same server.

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod timed;

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};

use self::timed::Timed;
use crate::bench::Setup;
use crate::process::{MEASURED, OTHER, Process};
use crate::report::{Bound, Section, Table, Target, cell, ratio};
use crate::rounds::{Series, alternate};
use crate::statistics::Figures;

const FULL_BYTES: u64 = 1 << 30;
const QUICK_BYTES: u64 = 64 << 20;

/// How long the file lies there before it goes up.
const LONG_AGO: Duration = Duration::from_secs(60 * 60);

/// The part of curl's speed that is wanted.
const TARGET: f64 = 0.9;

/// What moves the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    /// `curl` with the file of a form.
    CurlUpload,
    /// As a bot sends a file: in parts, four at a time, and remembered so that it does not go up again.
    Upload,
    /// The same without remembering it.
    UploadAnew,
    /// The same in one request, as where the server takes no parts.
    UploadWhole,
    /// `curl` into a file.
    CurlDownload,
    /// `curl` into `/dev/null`.
    CurlNowhere,
    /// To a file that is safe on the disk at the end.
    Download,
    /// Into a writer that forgets.
    DownloadNowhere,
}

const UP: [Side; 4] = [Side::Upload, Side::UploadAnew, Side::UploadWhole, Side::CurlUpload];
const DOWN: [Side; 4] =
    [Side::Download, Side::DownloadNowhere, Side::CurlDownload, Side::CurlNowhere];

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CurlUpload => "`curl -F`",
            Self::Upload => "easebot, 4 parts at a time, remembered",
            Self::UploadAnew => "easebot, 4 parts at a time",
            Self::UploadWhole => "easebot, one request",
            Self::CurlDownload => "`curl`, to a file",
            Self::CurlNowhere => "`curl`, to `/dev/null`",
            Self::Download => "easebot, to a file, synced",
            Self::DownloadNowhere => "easebot, to a writer that forgets",
        })
    }
}

impl Side {
    /// The side of curl that does the same.
    const fn rival(self) -> Self {
        match self {
            Self::CurlUpload | Self::Upload | Self::UploadAnew | Self::UploadWhole => {
                Self::CurlUpload
            }
            Self::CurlDownload | Self::Download => Self::CurlDownload,
            Self::CurlNowhere | Self::DownloadNowhere => Self::CurlNowhere,
        }
    }
}

const MB_PER_S: &str = "mb_per_s";
const CPU: &str = "cpu_s_per_gib";
const PEAK: &str = "peak_mib";

pub(crate) fn upload(setup: &Setup) -> anyhow::Result<Section> {
    let series = measure(setup, &UP)?;
    let method = "A sparse file goes up over loopback to a server of the bench that throws it away. Each side is a process that \
                  starts, uploads and ends; its CPU time and the most memory that it held are the kernel's accounts of it. A \
                  bot remembers what it has uploaded by its SHA-256. The hash of a long file is made behind the upload, when its \
                  message can go out already: the time ends before it, the CPU time and the memory are with it.";
    let mut section = section(setup, method, &series, &UP);
    section.targets.push(target(&series, "upload", Side::Upload));
    Ok(section)
}

pub(crate) fn download(setup: &Setup) -> anyhow::Result<Section> {
    let series = measure(setup, &DOWN)?;
    let method = "The server of the bench sends zeros over loopback. Each side is a process that starts, downloads and ends; its CPU \
                  time and the most memory that it held are the kernel's accounts of it. A downloaded file of Easebot is safe \
                  on the disk before it gets its name; curl leaves that to the system.";
    let mut section = section(setup, method, &series, &DOWN);
    section.targets.push(target(&series, "download to a writer", Side::DownloadNowhere));
    Ok(section)
}

fn measure(setup: &Setup, sides: &[Side]) -> anyhow::Result<Vec<Series>> {
    let curl = Command::new(curl()).arg("--version").output();
    ensure!(
        curl.is_ok_and(|output| output.status.success()),
        "`curl` is not here: as root `apt-get install curl`, or name its file in EASEBOT_CURL"
    );
    let n_bytes = n_bytes(setup);
    let folder = setup.folder()?;
    let file = folder.path().join("file.bin");
    let content = File::create(&file)?;
    content.set_len(n_bytes)?;
    // What was just written may still change, and is hashed before it goes up.
    content.set_modified(SystemTime::now() - LONG_AGO)?;
    let mut server = Process::start(
        "file server",
        &mut setup.side("file-server", &[&n_bytes.to_string()]),
        OTHER,
    )?;
    let address = server.word("listening")?;
    let place = Place { address: &address, file: &file, folder: folder.path() };
    alternate(setup.console, setup.rounds(11), sides, |side| one(setup, &place, *side, n_bytes))
}

/// Its file, if that is named, or what the machine calls so.
fn curl() -> String {
    env::var("EASEBOT_CURL").unwrap_or_else(|_| "curl".to_owned())
}

fn n_bytes(setup: &Setup) -> u64 {
    if setup.quick { QUICK_BYTES } else { FULL_BYTES }
}

/// Where things are.
struct Place<'a> {
    address: &'a str,
    file: &'a Path,
    folder: &'a Path,
}

fn one(setup: &Setup, place: &Place<'_>, side: Side, n_bytes: u64) -> anyhow::Result<Figures> {
    let to = place.folder.join("downloaded.bin");
    let (this, file, to_word) = (word(&setup.this)?, word(place.file)?, word(&to)?);
    let base = format!("http://{}/easebot/demo/chatfiles", place.address);
    let (form, url) = (format!("file=@{file}"), format!("{base}/{}", server::FILE));
    let ours = |how| ["--", this, "side", "file-client", place.address, how];
    let program = curl();
    let curl = ["--", &program, "--silent", "--show-error", "--fail", "--output"];
    let words: Vec<&str> = match side {
        Side::Upload => [&ours("upload")[..], &[file]].concat(),
        Side::UploadAnew => [&ours("upload-anew")[..], &[file]].concat(),
        Side::UploadWhole => [&ours("upload-whole")[..], &[file]].concat(),
        Side::Download => [&ours("download")[..], &[to_word]].concat(),
        Side::DownloadNowhere => ours("download-nowhere").to_vec(),
        Side::CurlUpload => [&curl[..], &["/dev/null", "--form", &form, &base]].concat(),
        Side::CurlDownload => [&curl[..], &[to_word, &url]].concat(),
        Side::CurlNowhere => [&curl[..], &["/dev/null", &url]].concat(),
    };
    let mut process = Process::start("timed", &mut setup.side("timed", &words), MEASURED)?;
    let said = process.word("timed")?;
    let Timed { secs, cpu_secs, peak_kib } =
        serde_json::from_str(&said).context("a side says no figures")?;
    if let Side::Download | Side::CurlDownload = side {
        let got = fs::metadata(&to).context("nothing was downloaded")?.len();
        ensure!(got == n_bytes, "{got} of {n_bytes} bytes were downloaded");
        fs::remove_file(&to)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths of files are below 2^53")]
    let n_bytes = n_bytes as f64;
    Ok(Figures::from([
        (MB_PER_S, n_bytes / 1e6 / secs),
        (CPU, cpu_secs * f64::from(1 << 30) / n_bytes),
        (PEAK, peak_kib / 1024.0),
    ]))
}

fn word(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

fn of(series: &[Series], side: Side) -> Option<&Series> {
    let name = side.to_string();
    series.iter().find(|series| series.side == name)
}

/// The speed over that of curl, round by round.
fn beside_curl(series: &[Series], side: Side) -> crate::statistics::Samples {
    match (of(series, side), of(series, side.rival())) {
        (Some(ours), Some(theirs)) => ours.of(MB_PER_S).over(&theirs.of(MB_PER_S)),
        _ => crate::statistics::Samples::default(),
    }
}

fn target(series: &[Series], what: &str, side: Side) -> Target {
    Target {
        what: format!("{what}, speed over that of curl"),
        bound: Bound::AtLeast(TARGET),
        measured: beside_curl(series, side).median(),
    }
}

fn section(setup: &Setup, method: &str, series: &[Series], sides: &[Side]) -> Section {
    let row = |side: &Side| {
        let series_of = of(series, *side)?;
        Some(vec![
            series_of.side.clone(),
            cell(&series_of.of(MB_PER_S)),
            ratio(&beside_curl(series, *side)),
            cell(&series_of.of(CPU)),
            cell(&series_of.of(PEAK)),
        ])
    };
    let head = ["side", "MB/s", "speed over curl's", "CPU s a GiB", "most MiB resident"];
    let table = Table {
        title: format!("A file of {} MiB.", n_bytes(setup) >> 20),
        head: head.map(str::to_owned).into(),
        rows: sides.iter().filter_map(row).collect(),
    };
    let raw = series.iter().map(|series| (series.side.clone(), series.raw()));
    Section {
        method: method.to_owned(),
        tables: vec![table],
        raw: serde_json::Value::Object(raw.collect()),
        ..Section::default()
    }
}
