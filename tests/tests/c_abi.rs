//! The libraries for C, from C and C++ programs: they compile without a warning, run, give the bytes that the
//! core gives, and the libraries export what they should and no more.
//!
//! Needs a C and a C++ compiler; says so and passes without them, except under `CI=true`. With `SEEDBED_VALGRIND=1`
//! the programs run under valgrind.

use seedbed::augment::{Pipeline, key};
use seedbed::rng::{Key, Stream, id_hash};
use seedbed::{ImageMut, ImageRef, Level, Scratch};
use seedbed_golden::PIPELINE;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the sources.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn set(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|v| v == value)
}

/// Can `program` be run here? Under `CI=true` it must.
fn have(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !found {
        assert!(!set("CI", "true"), "{program} is not installed");
        println!("skip: {program} is not installed");
    }
    found
}

/// The output of a command that must end well.
fn output(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (text, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{command:?}: {}\n{text}{errors}", out.status);
    text.into_owned()
}

/// The libraries, built once; a folder for programs of the test `name`.
fn built(name: &str) -> (PathBuf, tempfile::TempDir) {
    static LIBRARIES: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let folder = LIBRARIES.get_or_init(|| {
        // Beside the test's own folder, so that the builds of the two do not wait for each other.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned();
        let out = target.join("c");
        output(Command::new(root().join("ffi/build.sh")).arg(&out).env("CARGO_TARGET_DIR", target));
        out
    });
    (folder.clone(), tempfile::Builder::new().prefix(name).tempdir().unwrap())
}

/// Compiles `source` with warnings as errors and links it with the library `linked` gives.
fn compile(source: &str, program: &Path, libraries: &Path, shared: bool) {
    let (compiler, standard) =
        if source.ends_with(".cpp") { ("c++", "-std=c++11") } else { ("cc", "-std=c99") };
    let mut command = Command::new(compiler);
    command.args([standard, "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
    command.arg("-I").arg(root().join("ffi/include")).arg(root().join(source)).arg("-o").arg(program);
    if shared {
        command.arg("-L").arg(libraries).arg("-lseedbed").arg(format!("-Wl,-rpath,{}", libraries.display()));
    } else {
        command.arg(libraries.join("libseedbed.a"));
    }
    output(&mut command);
}

/// What the program prints, under valgrind where asked.
fn run(program: &Path, arguments: &[&Path]) -> String {
    if set("SEEDBED_VALGRIND", "1") && have("valgrind") {
        let strict = ["-q", "--error-exitcode=9", "--leak-check=full"];
        return output(Command::new("valgrind").args(strict).arg(program).args(arguments));
    }
    output(Command::new(program).args(arguments))
}

/// What the examples must print: the hash of eight copies of one image, from the core itself.
fn expected() -> String {
    let pixels: Vec<u8> = (0..12 * 32).map(|i| (i * 7) as u8).collect();
    let src = ImageRef::with_stride(&pixels, 12, 18, 1, 32).unwrap();
    let pipeline = Pipeline::<32>::from_bytes(PIPELINE).unwrap();
    let (height, width, channels) = pipeline.out_shape(src.shape()).unwrap();
    let mut memory = vec![0; pipeline.scratch_len(src.shape())];
    (1..=8)
        .map(|copy| {
            let mut out = vec![0; height * width * channels];
            let dst = ImageMut::new(&mut out, height, width, channels).unwrap();
            let key = key(b"digits/0007", copy);
            pipeline.apply(Level::BASE, src, dst, 42, key, &mut Scratch::new(&mut memory)).unwrap();
            format!("{:016x}\n", id_hash(&out))
        })
        .collect()
}

#[test]
fn programs_in_c_and_cpp_get_the_bytes_of_the_core() {
    if !(have("cc") && have("c++")) {
        return;
    }
    let (libraries, work) = built("examples");
    let pipeline = root().join("tests/golden/pipeline.bin");
    for source in ["ffi/examples/c/augment.c", "ffi/examples/cpp/augment.cpp"] {
        for shared in [false, true] {
            let program = work.path().join("augment");
            compile(source, &program, &libraries, shared);
            assert_eq!(run(&program, &[&pipeline]), expected(), "{source}, shared: {shared}");
        }
    }
}

#[test]
fn programs_are_refused_what_must_be_refused() {
    if !(have("cc") && have("c++")) {
        return;
    }
    let (libraries, work) = built("refuses");
    let mut stream = Stream::new(9, Key::new(1).epoch(2).sample(3).op(4));
    let words = [(); 3].map(|()| format!("{:08x}", stream.next_u32()));
    for source in ["tests/c/refuses.c", "tests/c/refuses.cpp"] {
        let program = work.path().join("refuses");
        compile(source, &program, &libraries, false);
        assert_eq!(run(&program, &[]).trim(), words.join(" "), "{source}");
    }
}

#[test]
fn the_headers_stand_being_included_twice() {
    if !(have("cc") && have("c++")) {
        return;
    }
    let (libraries, work) = built("twice");
    for source in ["tests/c/twice.c", "tests/c/twice.cpp"] {
        let program = work.path().join("twice");
        compile(source, &program, &libraries, false);
        run(&program, &[]);
    }
}

#[test]
fn the_shared_library_exports_the_listed_symbols() {
    if !have("nm") {
        return;
    }
    let (libraries, _work) = built("symbols");
    let listing =
        output(Command::new("nm").args(["-D", "--defined-only"]).arg(libraries.join("libseedbed.so")));
    let mut symbols: Vec<_> = listing.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    symbols.sort_unstable();
    let path = root().join("ffi/symbols.txt");
    let listed = symbols.join("\n") + "\n";
    if set("SEEDBED_BLESS", "1") {
        std::fs::write(path, listed).unwrap();
        return;
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), listed, "SEEDBED_BLESS=1 rewrites ffi/symbols.txt");
}
