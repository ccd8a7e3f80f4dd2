//! The page of a [`Report`]: what each section says and shows.

use super::html::{Section, Table, escape, page, picture, strips};
use super::model::{Removed, RemovedExample, Report, ScoreTable, StageRow};
use super::{effect, number, svg, words};
use std::fmt::Write;
use std::time::Duration;

/// Samples listed one by one in the table of what was set aside.
const MAX_SET_ASIDE: usize = 200;

/// A sprout, drawn in the colour of the text around it.
const LOGO: &str = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" \
    stroke-width=\"1.8\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"M12 21v-9\"/>\
    <path d=\"M12 13c0-4 3-7 8-7 0 5-3 8-8 7z\"/><path d=\"M12 10c0-3-3-6-8-6 0 4 3 7 8 6z\"/><path d=\"M5 21h14\"/></svg>";

/// The whole page as HTML.
pub fn draw(report: &Report) -> String {
    let sections: Vec<Section> = [
        stages(report),
        planted(report),
        classes(report),
        samples(report),
        removed(report),
        augmented(report),
        training(report),
        generated(report),
        scores(report),
        set_aside(report),
        reproduce(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    let foot = format!(
        "Made by seedbed {}. The same content for programs: <code>report.json</code> beside this file.",
        escape(&report.version)
    );
    page(&format!("{} · seedbed report", report.name), &head(report), &sections, &foot)
}

fn section(id: &'static str, title: &'static str, lead: &str, body: String) -> Option<Section> {
    let body = if lead.is_empty() { body } else { format!("<p class=\"lead\">{lead}</p>{body}") };
    Some(Section { id, title, body })
}

fn head(report: &Report) -> String {
    let mut out = format!(
        "<div class=\"brand\">{LOGO}seedbed</div><h1>{}</h1><p class=\"meta\">{}seed {} · {} of work · version {}</p>",
        escape(&report.name),
        if report.started > 0 { format!("{} · ", number::date(report.started)) } else { String::new() },
        report.seed,
        seconds(report.seconds),
        escape(&report.version),
    );
    if let Some(error) = &report.error {
        let _ = write!(
            out,
            "<p class=\"lead\"><strong>The run failed</strong>: {}. What was done before is shown.</p>",
            escape(error)
        );
    }
    if !report.tiles.is_empty() {
        out.push_str("<ul class=\"tiles\">");
        for tile in &report.tiles {
            let _ = write!(
                out,
                "<li class=\"tile\"><div class=\"l\">{}</div><div class=\"v\">{}</div><div class=\"n\">{}</div></li>",
                escape(&tile.label),
                escape(&tile.value),
                escape(&tile.note)
            );
        }
        out.push_str("</ul>");
    }
    out
}

fn seconds(s: f64) -> String {
    number::duration(Duration::try_from_secs_f64(s).unwrap_or_default())
}

fn stages(report: &Report) -> Option<Section> {
    let longest = report.stages.iter().map(|s| s.seconds).fold(1e-9, f64::max);
    let mut table =
        Table::new("Stages", &[("Stage", ""), ("Samples out", "r"), ("Time", "r"), ("What it did", "w")]);
    for stage in &report.stages {
        let share = (stage.seconds / longest * 100.0).clamp(0.0, 100.0);
        let tag = if stage.cached { " <span class=\"tag\">kept from before</span>" } else { "" };
        table.row(&[
            format!("{}<small>{}</small>", escape(&stage.name), escape(words::stage(&stage.name))),
            number::count(stage.samples),
            format!(
                "{}<span class=\"meter\"><i style=\"width:{share:.1}%\"></i></span>",
                seconds(stage.seconds)
            ),
            format!("{}{tag}", deeds(stage)),
        ]);
    }
    section("stages", "Stages", "What was done, in the order of work.", table.draw())
}

/// The simple figures of a stage as one line.
fn deeds(stage: &StageRow) -> String {
    let mut parts = Vec::new();
    if stage.set_aside > 0 {
        parts.push(format!("<b>{}</b> set aside", number::count(stage.set_aside)));
    }
    for (name, value) in &stage.figures {
        // Hashes are for programs, and most zeros say that there was nothing to do.
        if name.contains("hash") || value.as_f64() == Some(0.0) {
            continue;
        }
        if let Some(v) = value.as_f64() {
            parts.push(format!("{} <b>{}</b>", escape(&words::label(name)), number::value(v)));
        } else if let Some(text) = value.as_str().filter(|t| t.len() <= 60) {
            parts.push(format!("{} {}", escape(&words::label(name)), escape(text)));
        }
    }
    let more = parts.len().saturating_sub(8);
    parts.truncate(8);
    if more > 0 {
        parts.push(format!("and {more} more figures"));
    }
    parts.join(" · ")
}

fn planted(report: &Report) -> Option<Section> {
    let planted = report.planted.as_ref()?;
    let mut table = Table::new(
        "Planted faults",
        &[
            ("Fault", ""),
            ("Planted", "r"),
            ("Found", "r"),
            ("Recall", "r"),
            ("Precision", "r"),
            ("Looked for by", ""),
        ],
    );
    let share = |s: Option<f64>| match s {
        Some(s) => format!(
            "{}<span class=\"meter\"><i style=\"width:{:.1}%\"></i></span>",
            escape(&number::percent(s)),
            (s * 100.0).clamp(0.0, 100.0)
        ),
        None => "–".into(),
    };
    for row in &planted.rows {
        let named = row.right.zip(row.flagged);
        let named = named.map_or_else(String::new, |(right, all)| {
            format!("<small>{} of {} named</small>", number::count(right), number::count(all))
        });
        table.row(&[
            escape(&row.kind),
            number::count(row.planted),
            number::count(row.found),
            share(row.recall),
            share(row.precision) + &named,
            format!("{}<small>{}</small>", escape(&row.stage), escape(&row.methods)),
        ]);
    }
    let lead = if planted.story.is_empty() {
        "Faults were planted on purpose; this is how many of them the ordinary stages found.".into()
    } else {
        escape(&planted.story)
    };
    let note = "<p class=\"note\">Recall: of the planted faults, the share that is gone from the dataset, for whatever reason. \
                Precision: of the samples that the methods named, the share that was planted (real data has faults of its \
                own, which count against it here).</p>";
    section("planted", "Planted faults", &lead, table.draw() + note)
}

fn classes(report: &Report) -> Option<Section> {
    if report.classes.is_empty() {
        return None;
    }
    let with_added = report.classes.iter().any(|c| c.added > 0);
    let chart = svg::Bars {
        alt: format!("Samples per class before and after, {} classes", report.classes.len()),
        labels: report.classes.iter().map(|c| c.name.clone()).collect(),
        series: vec![
            ("as collected".into(), report.classes.iter().map(|c| c.before).collect()),
            ("as prepared".into(), report.classes.iter().map(|c| c.after).collect()),
        ],
    };
    let mut table = Table::new(
        "Samples per class",
        &[("Class", ""), ("As collected", "r"), ("As prepared", "r"), ("Of these added", "r")],
    );
    for class in &report.classes {
        table.row(&[
            escape(&class.name),
            number::count(class.before),
            number::count(class.after),
            number::count(class.added),
        ]);
    }
    let lead = if with_added {
        "Samples of all splits, as collected and as prepared for training. Only the train split is balanced and augmented."
    } else {
        "Samples of all splits, as collected and as prepared for training."
    };
    let body = format!(
        "<div class=\"card\">{}</div><details><summary>The same as a table</summary>{}</details>",
        chart.draw(),
        table.draw()
    );
    section("classes", "Classes", lead, body)
}

fn samples(report: &Report) -> Option<Section> {
    if report.before.is_empty() && report.after.is_empty() {
        return None;
    }
    let mut body = String::from("<div class=\"two\">");
    for (title, rows, alt) in [
        ("As collected", &report.before, "sample as collected"),
        ("As prepared", &report.after, "sample as prepared"),
    ] {
        if !rows.is_empty() {
            let _ = write!(body, "<div class=\"card\"><h3>{title}</h3>{}</div>", strips(rows, alt));
        }
    }
    body.push_str("</div>");
    section("samples", "Samples", "A random few of each class; point at a picture to see its id.", body)
}

fn removed(report: &Report) -> Option<Section> {
    if report.removed.is_empty() {
        return None;
    }
    let mut table = Table::new(
        "What was removed",
        &[("Method", ""), ("Removed", "r"), ("Threshold", "r"), ("What it means", "w")],
    );
    for r in &report.removed {
        table.row(&[
            format!("{}<small>{}</small>", escape(&words::label(&r.method)), escape(&r.stage)),
            number::count(r.count),
            r.threshold.map_or_else(|| "–".into(), number::value),
            words::method(&r.method).into(),
        ]);
    }
    let mut body = table.draw();
    for r in report.removed.iter().filter(|r| r.examples.iter().any(|e| !e.picture.uri.is_empty())) {
        body.push_str(&examples(r));
    }
    if report.leaks > 0 {
        let _ = write!(
            body,
            "<p class=\"note\">{} of the train split had the same content as one in val or test; they are listed apart \
             in <code>leaks.jsonl</code>.</p>",
            words::samples(report.leaks)
        );
    }
    let lead = if report.dry_run {
        "Nothing was removed: this was a dry run. Every sample it names is listed with its score in <code>dropped.jsonl</code>."
    } else {
        "Every removed sample is listed with its score in <code>dropped.jsonl</code>."
    };
    section("removed", "What was removed, and why", lead, body)
}

fn examples(removed: &Removed) -> String {
    let mut out = format!(
        "<div class=\"card\"><h3>{}: {}</h3><ul class=\"examples\">",
        escape(&words::label(&removed.method)),
        if removed.examples.iter().any(|e| e.kept.is_some()) {
            "removed, and the one kept"
        } else {
            "a few of them"
        }
    );
    for e in &removed.examples {
        let _ = write!(out, "<li>{}</li>", example(e));
    }
    out.push_str("</ul></div>");
    out
}

fn example(e: &RemovedExample) -> String {
    let mut out = format!("<span class=\"pair\">{}", picture(&e.picture, "removed sample"));
    if let Some(kept) = &e.kept {
        let _ = write!(
            out,
            "<span class=\"arrow\" aria-hidden=\"true\">=</span>{}",
            picture(kept, "the sample kept")
        );
    }
    out.push_str("</span>");
    let mut lines = Vec::new();
    match (&e.class, &e.suggested) {
        (Some(class), Some(other)) => {
            lines.push(format!("given <b>{}</b>", escape(class)));
            lines.push(format!("looks like <b>{}</b>", escape(other)));
        }
        (Some(class), None) => lines.push(escape(class)),
        _ => {}
    }
    if let (Some(score), None) = (e.score, &e.kept) {
        lines.push(format!("score {}", number::value(score)));
    }
    if !lines.is_empty() {
        let _ = write!(out, "<small>{}</small>", lines.join("<br>"));
    }
    out
}

fn augmented(report: &Report) -> Option<Section> {
    if report.augmented.is_empty() {
        return None;
    }
    // With few copies each, two or three originals stand side by side.
    let few = report.augmented.iter().all(|a| a.copies.len() <= 4);
    let mut body = format!("<div class=\"card{}\">", if few { " columns" } else { "" });
    for a in &report.augmented {
        let _ = write!(
            body,
            "<div class=\"strip\"><div class=\"c\">{}</div><div class=\"pics\">{}<span class=\"arrow\" aria-hidden=\"true\">→</span>",
            escape(&a.class),
            picture(&a.original, &format!("original, {}", a.class))
        );
        for copy in &a.copies {
            body.push_str(&picture(copy, &format!("augmented copy, {}", a.class)));
        }
        body.push_str("</div></div>");
    }
    body.push_str("</div>");
    if let Some(sheet) = &report.operations {
        let _ = write!(
            body,
            "<div class=\"card\"><img class=\"pic\" src=\"{}\" width=\"{}\" height=\"{}\" \
             alt=\"each operation by itself, then all together: the original and eight draws\"></div>",
            sheet.uri, sheet.width, sheet.height
        );
    }
    body.push_str(&report.effect.as_ref().map(effect::draw).unwrap_or_default());
    let lead = format!(
        "The original comes first, copies made from it follow. Each copy can be made again, alone, with <code>seedbed \
         replay 'ID' --dataset '{}'</code>.",
        escape(&report.folder)
    );
    section("augmented", "Augmentation", &lead, body)
}

fn training(report: &Report) -> Option<Section> {
    let training = report.training.as_ref()?;
    let mut body = String::from("<div class=\"two curves\">");
    for chart in &training.charts {
        let lines = svg::Lines {
            alt: format!("{} over {} epochs", chart.title, training.epochs),
            x_label: "epoch".into(),
            series: chart.curves.clone(),
            mark: training.best_epoch.map(|at| (at, format!("best, epoch {}", number::value(at)))),
        };
        let _ = write!(body, "<div class=\"card\"><h3>{}</h3>{}</div>", escape(&chart.title), lines.draw());
    }
    body.push_str("</div>");
    if let Some(samples) = &training.samples {
        let _ = write!(
            body,
            "<div class=\"card\"><h3>Samples on the way</h3><img class=\"pic\" src=\"{}\" width=\"{}\" height=\"{}\" \
             alt=\"a row for each time, the first on top; each column from the same noise\"></div>",
            samples.uri, samples.width, samples.height
        );
    }
    let lead = match training.best_epoch {
        Some(at) => {
            format!("{} epochs; the weights of epoch {} were kept.", training.epochs, number::value(at))
        }
        None => format!("{} epochs.", training.epochs),
    };
    let warned = training
        .warnings
        .iter()
        .map(|w| format!(" <b>{}</b>", escape(&format!("Signs of {w}."))))
        .collect::<String>();
    let lead = lead + &warned;
    section("training", "Training", &lead, body)
}

fn generated(report: &Report) -> Option<Section> {
    if report.generated.is_empty() {
        return None;
    }
    let body = format!("<div class=\"card\">{}</div>", strips(&report.generated, "generated sample"));
    section(
        "generated",
        "Generated samples",
        "New samples from the trained model: a random few of each class, not chosen by hand.",
        body,
    )
}

fn scores(report: &Report) -> Option<Section> {
    if report.scores.is_empty() && report.scores_left_out.is_empty() {
        return None;
    }
    let mut body: String = report.scores.iter().map(score_table).collect();
    for reason in &report.scores_left_out {
        let _ = write!(body, "<p class=\"note\">Left out: {}.</p>", escape(reason));
    }
    let lead = "How near the generated samples come to real ones the model never saw. The floor compares real with real: no \
                model can be expected to do better than that.";
    section("scores", "Scores", lead, body)
}

fn score_table(scores: &ScoreTable) -> String {
    let mut columns = vec![("Metric".to_owned(), "")];
    columns.extend(
        scores
            .columns
            .iter()
            .map(|c| (format!("{}<small>{}</small>", escape(&c.name), escape(&c.sizes)), "r")),
    );
    let mut table = Table::new("Scores", &columns);
    for row in &scores.rows {
        let mut cells = vec![format!("{}<small>{}</small>", escape(&row.metric), escape(&row.meaning))];
        cells.extend(row.values.iter().map(|v| v.map_or_else(|| "–".into(), number::value)));
        table.row(&cells);
    }
    format!("<h3>{}</h3>{}", escape(&scores.caption), table.draw())
}

fn set_aside(report: &Report) -> Option<Section> {
    if report.set_aside.is_empty() {
        return None;
    }
    let mut table = Table::new("Set aside", &[("File", ""), ("Row", "r"), ("Reason", "w")]);
    for s in report.set_aside.iter().take(MAX_SET_ASIDE) {
        table.row(&[escape(&s.source), s.row.map_or_else(|| "–".into(), number::count), escape(&s.reason)]);
    }
    let more = report.set_aside.len().saturating_sub(MAX_SET_ASIDE);
    let note = if more > 0 {
        format!(
            "<p class=\"note\">… and {} more in <code>set_aside.jsonl</code>.</p>",
            number::count(more as u64)
        )
    } else {
        String::new()
    };
    let lead = format!(
        "{} could not be used and were left out; the run went on.",
        words::samples(report.stages.iter().map(|s| s.set_aside).sum())
    );
    section("set-aside", "Set aside", &lead, table.draw() + &note)
}

fn reproduce(report: &Report) -> Option<Section> {
    let mut body = format!("<pre>{}</pre>", escape(&report.command));
    if !report.recipe.is_empty() {
        let _ = write!(
            body,
            "<h3>Recipe</h3><details><summary>Show the recipe</summary><pre>{}</pre></details>",
            escape(&report.recipe)
        );
    }
    let lead = format!(
        "Version {}, seed {}: the same input gives the same bytes on every processor and with any number of threads.",
        escape(&report.version),
        report.seed
    );
    section("reproduce", "Make it again", &lead, body)
}
