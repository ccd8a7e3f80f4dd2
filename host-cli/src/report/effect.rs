//! What augmentation did to the data, as part of the page.

use super::html::{Table, escape};
use super::{number, svg};
use crate::stages::augment::{Drift, Effect, Moved, Twins};
use std::fmt::Write;

/// Classes in the table of distances.
const MOST_CLASSES: usize = 20;

/// Charts and tables of an effect, behind a summary in words.
pub fn draw(effect: &Effect) -> String {
    let mut out = String::new();
    for warning in &effect.warnings {
        let _ = write!(out, "<p class=\"lead\"><strong>Look at this</strong>: {}.</p>", escape(warning));
    }
    let charts = [levels(effect), spectrum(effect)].into_iter().flatten();
    let charts: String = charts.map(|chart| format!("<div class=\"card\">{chart}</div>")).collect();
    let _ = write!(out, "<div class=\"two curves\">{charts}</div>");
    out.push_str(&channels(effect));
    if let Some(drift) = &effect.drift {
        out.push_str(&distances(drift));
    }
    format!(
        "<h3>What it did to the data</h3><p class=\"lead\">{} copies of {} pictures were looked at. {} show no pixel of \
         theirs but a border. {}</p>{out}",
        number::count(effect.copies),
        number::count(effect.originals),
        number::percent(effect.border),
        twins(&effect.twins),
    )
}

/// The copies that are no new pictures, in a sentence.
fn twins(twins: &Twins) -> String {
    let kinds = [
        (twins.unchanged, "are as their original"),
        (twins.other, "as another original of the class"),
        (twins.other_class, "as one of another class"),
        (twins.held_out, "as one of val or test"),
        (twins.repeated, "as another copy"),
    ];
    let words: Vec<String> = kinds
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{} {words}", number::count(n)))
        .collect();
    if words.is_empty() {
        "Each copy is a new picture.".into()
    } else {
        format!("Of the copies {}.", words.join(", "))
    }
}

/// The histograms of the mean over the channels.
fn levels(effect: &Effect) -> Option<String> {
    let bins = effect.channels.first()?.before.histogram.len();
    let series = |name: &str, shares: &dyn Fn(usize, usize) -> f64| {
        let mean = |bin| {
            let sum: f64 = (0..effect.channels.len()).map(|c| shares(c, bin)).sum();
            sum / effect.channels.len() as f64 * 100.0
        };
        let width = 256.0 / bins as f64;
        (name.to_owned(), (0..bins).map(|bin| ((bin as f64 + 0.5) * width, mean(bin))).collect())
    };
    let lines = svg::Lines {
        alt: "share of values by level, before and after".into(),
        x_label: "level".into(),
        series: vec![
            series("originals", &|c, bin| effect.channels[c].before.histogram[bin]),
            series("copies", &|c, bin| effect.channels[c].after.histogram[bin]),
        ],
        mark: None,
    };
    Some(format!("<h3>Levels, % of values</h3>{}", lines.draw()))
}

fn spectrum(effect: &Effect) -> Option<String> {
    let spectrum = effect.spectrum.as_ref()?;
    let series = |name: &str, power: &[f64]| {
        (name.to_owned(), spectrum.frequency.iter().copied().zip(power.iter().copied()).collect())
    };
    let lines = svg::Lines {
        alt: "power by frequency, before and after".into(),
        x_label: "periods a pixel".into(),
        series: vec![series("originals", &spectrum.before), series("copies", &spectrum.after)],
        mark: None,
    };
    Some(format!("<h3>Power spectrum, decibels</h3>{}", lines.draw()))
}

fn channels(effect: &Effect) -> String {
    let mut table = Table::new(
        "Values by channel",
        &[("Channel", ""), ("Mean", "r"), ("Deviation", "r"), ("At 0", "r"), ("At 255", "r"), ("Moved", "r")],
    );
    for channel in &effect.channels {
        let (a, b) = (&channel.before, &channel.after);
        let number = |a: f64, b: f64| format!("{} → {}", number::value(a), number::value(b));
        let percent = |a: f64, b: f64| format!("{} → {}", number::percent(a), number::percent(b));
        table.row(&[
            escape(&channel.name),
            number(a.mean, b.mean),
            number(a.std, b.std),
            percent(a.black, b.black),
            percent(a.white, b.white),
            number::percent(channel.distance),
        ]);
    }
    let lead = "Originals → copies. Moved: the share of values that would have to change.";
    format!("<p class=\"lead\">{lead}</p>{}", table.draw())
}

fn distances(drift: &Drift) -> String {
    let title = "How far copies moved, as energy distance";
    let columns = [("Class", ""), ("Copies", "r"), ("Val and test", "r"), ("Chance, up to", "r"), ("", "")];
    let mut table = Table::new(title, &columns);
    let mut row = |name: &str, moved: &Moved| {
        table.row(&[
            escape(name),
            share(moved.copies),
            moved.held_out.map_or_else(|| "–".into(), share),
            share(moved.chance),
            if moved.too_far { "<b>further than new pictures</b>".into() } else { String::new() },
        ]);
    };
    row("(all)", &drift.all);
    let mut classes: Vec<&Moved> = drift.classes.iter().collect();
    classes.sort_by(|a, b| b.copies.total_cmp(&a.copies));
    classes.iter().take(MOST_CLASSES).for_each(|moved| row(&moved.class, moved));
    let more = classes.len().saturating_sub(MOST_CLASSES);
    let more =
        if more > 0 { format!(" The {more} classes that moved less are left out.") } else { String::new() };
    let lead = format!(
        "Distance to the originals in {}: 0 for the same distribution, 1 for sets that lie apart.{more}",
        escape(&drift.space)
    );
    format!("<p class=\"lead\">{lead}</p>{}", table.draw())
}

/// A distance; what is below 0 is 0 but for chance.
fn share(distance: f64) -> String {
    format!("{:.3}", distance.max(0.0))
}
