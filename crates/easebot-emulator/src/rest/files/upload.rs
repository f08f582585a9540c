//! Uploads. Source of paths, fields and answers: Easemob's REST documentation and the official SDK.

use hyper::body::Incoming;
use serde_json::json;

use super::{Job, no_file, not_written};
use crate::{
    files::{
        Blob, CompleteError, DEFAULT_SIDE, Form, FormError, Label, MAX_PARTS, MAX_SIDE, PartHead,
    },
    refusal::HttpRefusal,
    rest::reply::Reply,
    world::TokenOwner,
};

/// Longest text of a field that is no file.
const MAX_FIELD_BYTES: usize = 64;
/// What is called nothing is called this.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// What a form brought.
#[derive(Debug, Default)]
struct Fields {
    file: Option<(Blob, Option<String>)>,
    number: Option<String>,
    width: Option<String>,
    height: Option<String>,
}

impl Job<'_> {
    /// A file in one piece.
    pub(super) async fn upload(&self, body: &mut Incoming) -> Result<Reply, HttpRefusal> {
        let fields = self.fields(body, "file").await?;
        let (blob, media_type) = fields.file.ok_or_else(nothing)?;
        let label = self.label(media_type, fields.width.as_deref(), fields.height.as_deref());
        Ok(self.keep(blob, label))
    }

    pub(super) fn begin(&self, owner: &TokenOwner) -> Reply {
        let id = self.shared.files.begin(&self.key, owner.clone());
        Reply::entities(vec![json!({
            "uuid": id,
            "type": "chatfile",
            "file_upper_limit": self.shared.options.max_file_bytes,
            "part_lower_limit": self.shared.options.part_lower_limit_bytes,
        })])
    }

    pub(super) async fn part(
        &self,
        id: &str,
        owner: &TokenOwner,
        body: &mut Incoming,
    ) -> Result<Reply, HttpRefusal> {
        let files = &self.shared.files;
        if !files.is_under_way(&self.key, id, owner) {
            return Err(no_file());
        }
        let Fields { file, number, .. } = self.fields(body, "part_file").await?;
        let (blob, _) = file.ok_or_else(nothing)?;
        let number = number
            .and_then(|number| number.trim().parse::<u32>().ok())
            .filter(|number| (1..=MAX_PARTS).contains(number))
            .ok_or_else(|| {
                HttpRefusal::bad(format!("part_number must be a number from 1 to {MAX_PARTS}"))
            })?;
        if !files.add_part(&self.key, id, number, blob) {
            return Err(no_file());
        }
        Ok(Reply::empty())
    }

    pub(super) async fn complete(
        &self,
        id: &str,
        owner: &TokenOwner,
    ) -> Result<Reply, HttpRefusal> {
        let whole = self.shared.files.complete(&self.key, id, owner).await;
        let blob = whole.map_err(|error| match error {
            CompleteError::Missing => no_file(),
            CompleteError::Write(error) => not_written(&error),
            CompleteError::NoPart { .. } | CompleteError::SmallPart { .. } => {
                HttpRefusal::bad(error.to_string())
            }
        })?;
        Ok(self.keep(blob, self.label(None, None, None)))
    }

    pub(super) fn abort(&self, id: &str, owner: &TokenOwner) -> Result<Reply, HttpRefusal> {
        let is_aborted = self.shared.files.abort(&self.key, id, owner);
        is_aborted.then(Reply::empty).ok_or_else(no_file)
    }

    /// Makes a file of `blob`, and the answer that clients wait for.
    fn keep(&self, blob: Blob, label: Label) -> Reply {
        let stored = self.shared.files.keep(&self.key, blob, label);
        let (org, app) = (self.key.org(), self.key.app());
        let uri = format!("http://{}/{org}/{app}/chatfiles", self.call.host);
        let entity = json!({
            "uuid": stored.uuid,
            "type": "chatfile",
            "share-secret": stored.secret.reveal(),
            "file-metadata": {
                "content-length": stored.blob.n_bytes(),
                "content-type": stored.label.media_type,
            },
        });
        Reply::entities(vec![entity]).with("uri", uri)
    }

    /// What the request says about its file: form fields count before headers and parameters.
    fn label(
        &self,
        media_type: Option<String>,
        width: Option<&str>,
        height: Option<&str>,
    ) -> Label {
        let side = |field: Option<&str>, name| {
            let asked = field.or_else(|| self.asked(name));
            let side = asked.and_then(|side| side.trim().parse::<u32>().ok());
            side.filter(|side| *side > 0).unwrap_or(DEFAULT_SIDE).min(MAX_SIDE)
        };
        Label {
            media_type: media_type.unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
            is_restricted: self.is_asked("restrict-access"),
            thumbnail: (side(width, "thumbnail-width"), side(height, "thumbnail-height")),
        }
    }

    /// Reads a form: the part `file` to disk, others as short texts.
    async fn fields(&self, body: &mut Incoming, file: &str) -> Result<Fields, HttpRefusal> {
        let mut form = Form::new(&self.call.content_type, body).ok_or_else(nothing)?;
        let mut fields = Fields::default();
        while let Some(PartHead { name, media_type, .. }) =
            form.next_part().await.map_err(broken)?
        {
            if name == file && fields.file.is_none() {
                fields.file = Some((self.write(&mut form).await?, media_type));
                continue;
            }
            let field = match name.as_str() {
                "part_number" => &mut fields.number,
                "thumbnail-height" => &mut fields.height,
                "thumbnail-width" => &mut fields.width,
                _ => continue,
            };
            let mut text = Vec::new();
            while let Some(chunk) = form.chunk().await.map_err(broken)? {
                let n_free = MAX_FIELD_BYTES.saturating_sub(text.len());
                text.extend(chunk.iter().take(n_free));
            }
            *field = Some(String::from_utf8_lossy(&text).into_owned());
        }
        Ok(fields)
    }

    async fn write(&self, form: &mut Form<&mut Incoming>) -> Result<Blob, HttpRefusal> {
        let refused = |error| not_written(&error);
        let mut draft = self.shared.files.draft().await.map_err(refused)?;
        while let Some(chunk) = form.chunk().await.map_err(broken)? {
            draft.write(&chunk).await.map_err(refused)?;
        }
        draft.finish().await.map_err(refused)
    }
}

fn nothing() -> HttpRefusal {
    HttpRefusal::bad("file must be provided.")
}

fn broken(error: FormError) -> HttpRefusal {
    HttpRefusal::bad(error.to_string())
}
