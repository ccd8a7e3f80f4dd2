//! `ffi/include/seedbed.h` is what cbindgen makes of the sources of `ffi`.
//! `SEEDBED_BLESS=1 cargo test -p seedbed-tests --test header` rewrites it.

use cbindgen::{Builder, Config, DocumentationStyle, Language, SortKey, Style};
use std::path::Path;

/// The sources in the order in which a reader of the header meets them.
const SOURCES: [&str; 3] = ["status", "stream", "pipeline"];

fn config(conventions: String) -> Config {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        include_guard: Some("SEEDBED_H".into()),
        header: Some(conventions.trim_end().into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C,
        style: Style::Both,
        line_length: 110,
        tab_width: 4,
        ..Config::default()
    };
    config.function.sort_by = Some(SortKey::None);
    config.constant.sort_by = Some(SortKey::None);
    config
}

/// Comments without lines of their own for `/*` and `*/`, after the conventions at the top.
fn compact(header: &str) -> String {
    let guard = header.find("#ifndef").expect("the header has an include guard");
    let (conventions, declarations) = header.split_at(guard);
    let mut out = conventions.to_owned();
    let mut lines = declarations.lines().peekable();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() != "/*" {
            out.push_str(line);
        } else {
            out.push_str(&line[..indent]);
            let comment: Vec<&str> = lines.by_ref().map(str::trim).take_while(|text| *text != "*/").collect();
            let next = format!("\n{:indent$}   ", "");
            out.push_str(&format!("/* {} */", comment.join(&next)));
        }
        out.push('\n');
    }
    out
}

#[test]
fn every_build_file_names_the_version_of_the_package() {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi");
    let version = env!("CARGO_PKG_VERSION");
    let major = version.split('.').next().unwrap();
    let soname = format!("libseedbed.so.{major}");
    for (file, wanted) in [
        ("CMakeLists.txt", format!("project(seedbed VERSION {version} ")),
        ("CMakeLists.txt", soname.clone()),
        ("build.sh", format!("-soname,{soname} ")),
        ("README.md", soname.clone()),
    ] {
        let text = std::fs::read_to_string(ffi.join(file)).unwrap();
        assert!(text.contains(&wanted), "{file} does not say {wanted}");
        // Nor is an older one left anywhere.
        let named = text.split("libseedbed.so.").skip(1);
        assert!(
            named.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()).all(|n| n == Some(major)),
            "{file}"
        );
    }
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi");
    let conventions = std::fs::read_to_string(ffi.join("include/conventions.txt")).unwrap();
    let builder = SOURCES.iter().fold(Builder::new().with_config(config(conventions)), |builder, name| {
        builder.with_src(ffi.join(format!("src/{name}.rs")))
    });
    let mut generated = Vec::new();
    builder.generate().expect("cbindgen reads the sources").write(&mut generated);
    let generated = compact(&String::from_utf8(generated).unwrap());
    let path = ffi.join("include/seedbed.h");
    if std::env::var_os("SEEDBED_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (old, new))) = committed
        .lines()
        .chain(["<end>"])
        .zip(generated.lines().chain(["<end>"]))
        .enumerate()
        .find(|(_, (a, b))| a != b)
    {
        panic!(
            "seedbed.h is stale at line {}: it has {old:?}, the sources give {new:?}; \
             SEEDBED_BLESS=1 cargo test -p seedbed-tests --test header rewrites it",
            line + 1
        );
    }
}
