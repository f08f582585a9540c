//! The lock files of npm name versions and hashes, never the host they were fetched from.

use serde_json::Value;

use super::{Problem, SourceFile};

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    if file.name() != "package-lock.json" {
        return Vec::new();
    }
    let lock: Value = match serde_json::from_str(&file.text) {
        Ok(lock) => lock,
        Err(error) => return vec![file.problem(error.line(), "is no JSON")],
    };
    let packages = lock.get("packages").and_then(Value::as_object).into_iter().flatten();
    packages
        .filter(|(_, package)| package.get("resolved").is_some())
        .map(|(name, _)| {
            let fix = format!(
                "omit-lockfile-registry-resolved=true in {}/.npmrc keeps it out",
                file.folder()
            );
            file.problem(0, format!("`{name}` has `resolved`: {fix}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{said, source};
    use super::*;

    #[test]
    fn a_resolved_address_is_found_with_its_package() {
        let lock =
            r#"{"packages": {"": {}, "node_modules/ws": {"version": "8.0.0", "resolved": "x"}}}"#;
        let found = said(check(&source("tests/interop/package-lock.json", lock)));
        assert!(
            found[0]
                .starts_with("tests/interop/package-lock.json: `node_modules/ws` has `resolved`"),
            "{found:?}"
        );
    }

    #[test]
    fn a_lock_without_addresses_is_fine_and_a_broken_one_is_not() {
        let lock = r#"{"packages": {"": {}, "node_modules/ws": {"version": "8.0.0"}}}"#;
        assert_eq!(check(&source("package-lock.json", lock)), []);
        assert_eq!(
            said(check(&source("package-lock.json", "{\n{"))),
            ["package-lock.json:2: is no JSON"]
        );
    }
}
