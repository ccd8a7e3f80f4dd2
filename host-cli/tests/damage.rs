//! Damage of every kind is set aside with its file and the right reason, what is whole is kept, and nothing outside the
//! output folder changes.

mod common;

use common::{code, run, text};
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compression, Crc};
use seedbed_cli::codec::{Pixels, encode_png};
use seedbed_cli::stages::collect::CollectOptions;
use seedbed_cli::{Ctx, Stage};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

fn png(value: u8) -> Vec<u8> {
    encode_png(&Pixels::new(vec![value; 48], 4, 4, 3).unwrap()).unwrap()
}

macro_rules! seed {
    ($name:literal) => {
        include_bytes!(concat!("../../fuzz/seeds/picture/", $name)).as_slice()
    };
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes(), name.as_slice(), data, &crc.sum().to_be_bytes()].concat()
}

/// A grey PNG that claims a size and holds these levels, packed.
fn png_of(width: u32, height: u32, levels: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes(), &height.to_be_bytes(), [8u8, 0, 0, 0, 0].as_slice()].concat();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(levels).unwrap();
    let (head, data) = (chunk(b"IHDR", &head), chunk(b"IDAT", &packed.finish().unwrap()));
    [b"\x89PNG\r\n\x1a\n".as_slice(), &head, &data, &chunk(b"IEND", b"")].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// The names, kinds and bytes of all that is below a folder.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, info) = (entry.path(), fs::symlink_metadata(entry.path()).unwrap());
        // Of what is long the length and the time tell enough.
        let short = info.is_file() && info.len() < 1 << 20;
        let bytes = if short { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        let mut crc = Crc::new();
        crc.update(&bytes);
        let what = (info.file_type(), info.len(), crc.sum(), info.modified().unwrap());
        all.insert(path.clone(), format!("{what:?}"));
        if info.is_dir() {
            all.extend(snapshot(&path));
        }
    }
    all
}

/// What was planted: a file (or a row `file:row`) and what its reason begins with.
type Planted = BTreeMap<String, &'static str>;

/// Collects `input` in `dir` and holds what was set aside against what was planted; gives the figures.
fn check(dir: &Path, input: &str, options: &CollectOptions, planted: &Planted, good: u64) -> Value {
    let out = dir.join("out").join(input.replace(['/', '.'], "_"));
    let keep_out = |mut all: BTreeMap<PathBuf, String>| {
        all.retain(|path, _| !path.starts_with(dir.join("out")));
        all
    };
    let before = keep_out(snapshot(dir));
    let outcome = options.run(&Ctx::quiet(1), &dir.join(input), &out).unwrap();
    assert_eq!(before, keep_out(snapshot(dir)), "nothing outside the output folder is written");
    let list = fs::read_to_string(out.join("set_aside.jsonl")).unwrap();
    let mut found = BTreeMap::new();
    for line in list.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let row = entry["row"].as_u64().map_or(String::new(), |row| format!(":{row}"));
        let name = format!("{}{row}", entry["file"].as_str().unwrap());
        found.entry(name).or_insert_with(Vec::new).push(entry["reason"].as_str().unwrap().to_owned());
    }
    for (name, reason) in planted {
        let reasons = found.get(name).cloned().unwrap_or_default();
        assert!(reasons.iter().any(|r| r.starts_with(reason)), "{name}: {reasons:?}, not {reason}\n{list}");
    }
    let more: Vec<_> = found.iter().filter(|(name, _)| !planted.contains_key(*name)).collect();
    assert!(more.is_empty(), "not planted: {more:?}");
    assert_eq!(outcome.samples, good, "{list}");
    let strict = Ctx { strict: true, ..Ctx::quiet(1) };
    let e = options.run(&strict, &dir.join(input), &dir.join("out/strict")).unwrap_err();
    assert_eq!(e.exit_code(), 1, "{e}");
    Value::Object(outcome.figures)
}

/// Whether the tests run as one who may read all.
#[cfg(unix)]
fn is_root(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("mode");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::read(&path).is_ok();
    fs::remove_file(&path).unwrap();
    readable
}

/// Files that are no good, and why.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let whole = png(200);
    let mut wrong_sum = whole.clone();
    let data = whole.windows(4).position(|w| w == b"IDAT").unwrap();
    wrong_sum[data + 6] ^= 0x10;
    let (jpeg, webp) = (seed!("rgb.jpg"), seed!("lossy.webp"));
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    vec![
        ("empty.png", Vec::new(), "file is empty"),
        ("notes.txt", b"hello".to_vec(), "neither PNG, JPEG"),
        ("noise.png", vec![0, 159, 146, 150, 1, 2], "neither PNG, JPEG"),
        ("cut.png", cut(&whole), "PNG is cut off"),
        ("short.png", whole[..whole.len() - 3].to_vec(), "PNG is cut off"),
        ("head.png", whole[..20].to_vec(), "PNG is cut off"),
        ("sum.png", wrong_sum, "PNG is damaged"),
        (
            "bomb.png",
            png_of(100_000, 100_000, &[0; 1000]),
            "picture of 100000 x 100000 has more than 65536 pixels",
        ),
        ("flat.png", png_of(0, 5, &[0; 5]), "P"),
        ("few.png", png_of(9, 9, &[0; 30]), "PNG is"),
        ("half-jpg.jpg", cut(jpeg), "JPEG is"),
        ("half-webp.webp", cut(webp), "WebP is"),
        ("half-bmp.bmp", cut(seed!("rgb.bmp")), "BMP is"),
        ("half-ppm.ppm", cut(seed!("rgb.ppm")), "PNM is cut off"),
        ("half-tif.tif", cut(seed!("rgb-lzw.tif")), "TIFF is"),
        ("moving.webp", seed!("animation.webp").to_vec(), "WebP is an animation"),
        ("pages.tif", seed!("pages.tif").to_vec(), "TIFF of several pictures"),
        ("old.gif", b"GIF89a\x01\0\x01\0".to_vec(), "GIF is not read"),
        ("new.avif", b"\0\0\0\x1cftypavif".to_vec(), "AVIF is not read"),
        ("phone.heic", b"\0\0\0\x18ftypheic".to_vec(), "HEIC is not read"),
        ("packed.png.gz", gzip(&whole), "neither PNG, JPEG"),
        ("sound.wav", b"RIFF\x04\0\0\0WAVE".to_vec(), "no picture beside"),
        ("1.jpg", whole, "has the same id"),
    ]
}

#[test]
fn fifty_damages_of_a_class_folder() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let raw = dir.join("raw");
    let mut planted = Planted::new();
    for class in ["cat", "dog"] {
        fs::create_dir_all(raw.join(class)).unwrap();
        for i in 0..20u8 {
            fs::write(raw.join(class).join(format!("{i}.png")), png(i)).unwrap();
        }
        for (name, bytes, reason) in bad_files() {
            fs::write(raw.join(class).join(name), bytes).unwrap();
            planted.insert(format!("{class}/{name}"), reason);
        }
        // Of one id the file whose name sorts first is kept.
        planted.remove(&format!("{class}/1.jpg"));
        planted.insert(format!("{class}/1.png"), "has the same id");
        // A hole takes no room on the disk.
        let file = fs::File::create(raw.join(class).join("long.png")).unwrap();
        (&file).write_all(&png(1)).unwrap();
        file.set_len((64 << 20) + 8 * (1 << 16) + 1).unwrap();
        planted.insert(format!("{class}/long.png"), "file of 67633153 bytes is too long for 65536 pixels");
    }
    #[cfg(unix)]
    planted.extend(special_files(dir, &raw));
    assert!(planted.len() >= 50, "{}", planted.len());
    let options = CollectOptions { max_pixels: 1 << 16, ..CollectOptions::default() };
    let good = if cfg!(unix) { 42 } else { 40 };
    check(dir, "raw", &options, &planted, good);
    // The command sees the same, and does not wait for anything.
    let said = run(dir, &["collect", "raw", "-o", "out/cli", "--max-pixels", "65536", "--json", "-q"]);
    assert_eq!(code(&said), 3, "{}", text(&said.stderr));
    let object: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(
        (object["samples"].as_u64(), object["set_aside"].as_u64()),
        (Some(good), Some(planted.len() as u64))
    );
}

/// Links, pipes, sockets and names that are no text; two of the files are whole.
#[cfg(unix)]
fn special_files(dir: &Path, raw: &Path) -> Planted {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mut planted = Planted::new();
    let mut plant = |name: &str, reason| {
        planted.insert(name.to_owned(), reason);
    };
    fs::create_dir(dir.join("elsewhere")).unwrap();
    fs::write(dir.join("elsewhere/1.png"), png(1)).unwrap();
    symlink(dir.join("elsewhere/1.png"), raw.join("cat/out.png")).unwrap();
    plant("cat/out.png", "link leads out of the source");
    symlink("../../elsewhere", raw.join("cat/outside")).unwrap();
    plant("cat/outside", "link leads out of the source");
    symlink("/dev/zero", raw.join("cat/zero.png")).unwrap();
    plant("cat/zero.png", "link leads out of the source");
    symlink("none.png", raw.join("dog/dangling.png")).unwrap();
    plant("dog/dangling.png", "no such file or folder");
    symlink("self.png", raw.join("dog/self.png")).unwrap();
    plant("dog/self.png", "");
    symlink("..", raw.join("dog/up")).unwrap();
    plant("dog/up", "link leads back to a folder that it is in");
    let mkfifo = |path: PathBuf| std::process::Command::new("mkfifo").arg(path).status().unwrap().success();
    assert!(mkfifo(raw.join("cat/pipe.png")));
    plant("cat/pipe.png", "not a regular file");
    std::os::unix::net::UnixListener::bind(raw.join("cat/socket.png")).unwrap();
    plant("cat/socket.png", "not a regular file");
    if is_root(dir) {
        eprintln!("not tested: files that may not be read, since the tests run as root");
    } else {
        fs::write(raw.join("dog/secret.png"), png(1)).unwrap();
        fs::set_permissions(raw.join("dog/secret.png"), fs::Permissions::from_mode(0o000)).unwrap();
        plant("dog/secret.png", "permission denied");
        fs::create_dir(raw.join("dog/locked")).unwrap();
        fs::set_permissions(raw.join("dog/locked"), fs::Permissions::from_mode(0o000)).unwrap();
        plant("dog/locked", "permission denied");
    }
    // Odd names and links within the source are no damage.
    fs::write(raw.join("cat").join(std::ffi::OsStr::from_bytes(b"\xff\xfe.png")), png(90)).unwrap();
    symlink("../cat/2.png", raw.join("dog/within.png")).unwrap();
    planted
}

/// A member of a tar file: its name, its type, its bytes.
type Member<'a> = (&'a [u8], u8, &'a [u8]);

fn tar_of(members: &[Member<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::new(*kind));
        header.set_size(bytes.len() as u64);
        // The builder refuses names that lead out, which others write.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn damaged_members_of_archives() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let (whole, bad) = (png(5), bad_files());
    let mut members: Vec<Member<'_>> = vec![
        (b"a/../../up.png", b'0', &whole),
        (b"/abs.png", b'0', &whole),
        (b"noend", b'0', &whole),
        (b"link.png", b'2', b""),
        (b"hard.png", b'1', b""),
        (b"device.png", b'3', b""),
        (b"pipe.png", b'6', b""),
        (b"f\xff\xfe.png", b'0', &whole),
        (b"j.png", b'0', &whole),
        (b"j.json", b'0', b"{\"x\": "),
        (b"t.png", b'0', &whole),
        (b"t.txt", b'0', b"\xff\xfe\xfd"),
        (b"lonely.cls", b'0', b"3"),
        (b"good.png", b'0', &whole),
        (b"good.png", b'0', &whole),
        (b"x.png", b'0', &whole),
        (b"good.png", b'0', &whole),
    ];
    let names: Vec<String> = bad.iter().map(|(name, ..)| format!("bad-{name}")).collect();
    let pictures = bad.iter().zip(&names).filter(|((_, _, why), name)| {
        !why.starts_with("has the same") && !["bad-notes.txt", "bad-packed.png.gz"].contains(&name.as_str())
    });
    members.extend(pictures.map(|((_, bytes, _), name)| (name.as_bytes(), b'0', bytes.as_slice())));
    let archive = tar_of(&members);
    fs::write(dir.join("x.tar"), &archive).unwrap();
    let options = CollectOptions { max_pixels: 1 << 16, ..CollectOptions::default() };
    let list = |name: &str| {
        let out = dir.join("out").join(name);
        let outcome = options.run(&Ctx::quiet(1), &dir.join(name), &out).unwrap();
        (outcome.samples, fs::read_to_string(out.join("set_aside.jsonl")).unwrap())
    };
    let before = snapshot(dir);
    let (samples, all) = list("x.tar");
    let mut after = snapshot(dir);
    after.retain(|path, _| !path.starts_with(dir.join("out")));
    assert_eq!(before, after, "nothing outside the output folder is written");
    // f, good and x are whole.
    assert_eq!(samples, 3, "{all}");
    for why in [
        "name leads out of the archive: member `a/../../up.png` at byte 512",
        "name leads out of the archive: member `/abs.png` at byte ",
        "name has no extension that tells what it is: member `noend` at byte ",
        "not a regular file (a link or a device): member `link.png` at byte ",
        "not a regular file (a link or a device): member `hard.png` at byte ",
        "not a regular file (a link or a device): member `device.png` at byte ",
        "not a regular file (a link or a device): member `pipe.png` at byte ",
        "not JSON (EOF while parsing a value at line 1 column 6): sample `j`",
        "text is not UTF-8 (byte 0)",
        "no picture beside `lonely`",
        "has the same id `good` as x.tar",
        "file is empty: member `bad-empty.png` at byte ",
        "neither a picture nor a sound: member `bad-noise.png` at byte ",
        "PNG is cut off",
        "PNG is damaged",
        "picture of 100000 x 100000 has more than 65536 pixels",
        "JPEG is",
        "WebP is an animation",
        "TIFF of several pictures",
    ] {
        assert!(all.contains(&format!("\"reason\":\"{why}")), "{why}: {all}");
    }
    // A header with a wrong checksum: what is before it is kept, and the byte is told.
    let mut torn = archive.clone();
    let at = archive.windows(8).position(|w| w == b"good.png").unwrap();
    torn[at + 1] ^= 1;
    fs::write(dir.join("torn.tar"), torn).unwrap();
    let (samples, torn) = list("torn.tar");
    assert!(
        samples == 1 && torn.contains("checksum") && torn.contains("nothing is read from byte "),
        "{torn}"
    );
    // Cut off, plain and packed.
    fs::write(dir.join("cut.tar"), &archive[..at + 600]).unwrap();
    assert!(list("cut.tar").1.contains("archive ends within it"), "{}", list("cut.tar").1);
    let packed = gzip(&archive);
    fs::write(dir.join("cut.tar.gz"), &packed[..packed.len() - 60]).unwrap();
    assert!(list("cut.tar.gz").1.contains("the gzip file is cut off"));
    // A long name that claims to be of any length costs nothing.
    let long = vec![b'x'; 8 << 20];
    let first: Member<'_> = (b"1.png", b'0', &whole);
    fs::write(dir.join("name.tar"), tar_of(&[first, (b"././@LongLink", b'L', &long)])).unwrap();
    let (samples, name) = list("name.tar");
    assert!(samples == 1 && name.contains("header of a member is too long"), "{name}");
}

#[test]
fn bombs_stop_at_their_limit() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let zeros = vec![b'0'; 4 << 20];
    let options = CollectOptions { max_unpacked: 1 << 20, ..CollectOptions::default() };
    for (name, bytes) in [
        ("x.tar.gz", gzip(&tar_of(&[(b"1.txt", b'0', &zeros)]))),
        ("x.csv.gz", gzip(&[b"a,b\n1,".as_slice(), &zeros].concat())),
        ("x.jsonl.zst", zstd::bulk::compress(&[b"{\"a\":".as_slice(), &zeros].concat(), 3).unwrap()),
        ("x.npy.gz", gzip(&[b"\x93NUMPY\x01\0\x46\0{'descr': '|u1', 'fortran_order': False, 'shape': (4194304 , 1), }\n".as_slice(), &zeros].concat())),
    ] {
        fs::write(dir.join(name), bytes).unwrap();
        let e = options.run(&Ctx::quiet(1), &dir.join(name), &dir.join("never")).unwrap_err();
        assert!(e.message.contains("unpacks to more than 1048576 bytes"), "{name}: {e}");
        assert!(!dir.join("never").exists());
    }
    // One of several is set aside.
    fs::create_dir(dir.join("shards")).unwrap();
    fs::rename(dir.join("x.tar.gz"), dir.join("shards/1.tar.gz")).unwrap();
    fs::write(dir.join("shards/2.tar.gz"), gzip(&tar_of(&[(b"1.txt", b'0', b"good")]))).unwrap();
    fs::write(dir.join("shards/3.tar.gz"), b"").unwrap();
    let planted = Planted::from([
        ("1.tar.gz".to_owned(), "unpacks to more than 1048576 bytes"),
        ("3.tar.gz".to_owned(), "file is empty"),
    ]);
    check(dir, "shards", &options, &planted, 1);
}

#[test]
fn damaged_rows_of_tables() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fs::create_dir(dir.join("files")).unwrap();
    fs::write(dir.join("files/good.png"), png(1)).unwrap();
    fs::write(dir.join("files/cut.png"), &png(2)[..40]).unwrap();
    fs::write(dir.join("files/none.bin"), [1, 2, 3]).unwrap();
    let rows: [(&[u8], &'static str); 11] = [
        (b"files/good.png,1,2.5,a", ""),
        (b"files/cut.png,1,2.5,a", "PNG is cut off: files/cut.png"),
        (b"files/gone.png,1,2.5,a", "no such file or folder in column `file_name`"),
        (b"../outside.png,1,2.5,a", "name of a file leads out of the folder in column `file_name`"),
        (b"/etc/passwd,1,2.5,a", "name of a file leads out of the folder in column `file_name`"),
        (b"files/none.bin,1,2.5,a", "neither a picture nor a sound in column `file_name`"),
        (b"files/good.png,1,inf,b", "not a finite number in column `y`"),
        (b"files/good.png,,2.5,b", "missing value in column `x`"),
        (b"files/good.png,one,2.5,b", "not a number in column `x`: one"),
        (b"files/good.png,1,2.5", "row has 3 cells, the table has 4 columns"),
        (b"files/good.png,1,2.5,\xff", "cell 4 is not UTF-8 (byte 0xff)"),
    ];
    let mut table = b"file_name,x,y,label\n".to_vec();
    let mut planted = Planted::new();
    for (i, (row, reason)) in rows.iter().enumerate() {
        table.extend_from_slice(row);
        table.push(b'\n');
        if !reason.is_empty() {
            planted.insert(format!("t.csv:{}", i + 2), reason);
        }
    }
    // A quote that is not closed takes the rest of the table.
    table.extend_from_slice(b"\"files/good.png,1,2.5,a\nfiles/good.png,1,2.5,a\n");
    planted.insert("t.csv:13".into(), "row has 1 cells, the table has 4 columns");
    fs::write(dir.join("t.csv"), &table).unwrap();
    check(dir, "t.csv", &CollectOptions::default(), &planted, 1);
    // One that takes more than a row may have ends the table.
    let mut long = b"x,y,label\n1,2,a\n3,4,b\n\"".to_vec();
    long.resize((64 << 20) + 100_000, b'z');
    fs::write(dir.join("long.csv"), &long).unwrap();
    let planted = Planted::from([("long.csv:4".to_owned(), "row is longer than 67108864 bytes")]);
    check(dir, "long.csv", &CollectOptions::default(), &planted, 2);
}

#[test]
fn damaged_lines_of_objects() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let line = |text: &str| [text.as_bytes(), b"\n"].concat();
    let mut long = b"{\"x\": 1, \"label\": \"".to_vec();
    long.resize((64 << 20) + 9, b'a');
    long.extend_from_slice(b"\"}\n");
    let many: String = (0..70_000).map(|i| format!("\"k{i}\": 1, ")).collect();
    let rows: [(Vec<u8>, &'static str); 11] = [
        (line("{\"x\": 1, \"label\": \"a\"}"), ""),
        (line("{\"x\": 2, \"label\": \"b\""), "not JSON (EOF while parsing an object"),
        (line("[1, 2]"), "not a JSON object"),
        (line("x = 1"), "not JSON (expected value"),
        (line("{\"x\": \"high\", \"label\": \"a\"}"), "not a number in column `x`: high"),
        (line("{\"x\": null, \"label\": \"a\"}"), "missing value in column `x`"),
        (line("{\"x\": 1e999, \"label\": \"a\"}"), "not JSON (number out of range"),
        (
            [b"{\"x\": 1, \"label\": \"\xff\"}".as_slice(), b"\n"].concat(),
            "not JSON (invalid unicode code point",
        ),
        (long, "line is longer than 67108864 bytes"),
        (line(&format!("{{{many}\"x\": 1}}")), "object of 70001 values, more than 65536"),
        (line("{\"x\": 9, \"label\": \"b\"}"), ""),
    ];
    let mut planted = Planted::new();
    for (i, (_, reason)) in rows.iter().enumerate().filter(|(_, (_, reason))| !reason.is_empty()) {
        planted.insert(format!("x.jsonl:{}", i + 1), reason);
    }
    fs::write(dir.join("x.jsonl"), rows.map(|(row, _)| row).concat()).unwrap();
    check(dir, "x.jsonl", &CollectOptions::default(), &planted, 2);
}
