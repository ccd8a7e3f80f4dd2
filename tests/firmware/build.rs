//! Names the linker's script by a path that holds from any folder, and that is no part of what cargo names packages by.

fn main() {
    println!("cargo::rerun-if-changed=mps2.ld");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{here}/mps2.ld");
    }
}
