//! Bar and line charts as SVG, drawn for a page whose width nobody knows.
//!
//! There is no `viewBox` around the text: positions are percentages and sizes are pixels, so that a
//! chart stretches with the page while its letters keep their size. Colours come from the page's
//! CSS variables (classes `s0`, `s1`, ... per series), so that a dark page has a dark chart.

use super::html::escape;
use super::number;
use std::fmt::Write;

/// Classes drawn at most in a bar chart.
const MAX_GROUPS: usize = 40;
/// Height of one bar, pixels.
const BAR: usize = 13;
/// Space between two groups of bars, pixels.
const GAP: usize = 10;
/// Height of the plot of a line chart, pixels.
const PLOT_HEIGHT: usize = 240;

/// Horizontal bars: one group per label, one bar in it per series.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    /// What it shows, for those who cannot see it.
    pub alt: String,
    /// The groups' names.
    pub labels: Vec<String>,
    /// The series: name and one value per label.
    pub series: Vec<(String, Vec<u64>)>,
}

impl Bars {
    /// The chart with its legend as an HTML figure; empty for no labels.
    pub fn draw(&self) -> String {
        let shown = self.labels.len().min(MAX_GROUPS);
        let most = self.series.iter().flat_map(|(_, v)| v.iter().take(shown)).copied().max().unwrap_or(0);
        if shown == 0 || most == 0 {
            return String::new();
        }
        let group = self.series.len() * BAR + GAP;
        let height = shown * group;
        // The width of the names in pixels, at some 7 pixels a letter.
        let letters = self.labels.iter().take(shown).map(|l| l.chars().count()).max().unwrap_or(0).min(16);
        let mut out = legend(self.series.iter().map(|(name, _)| name.as_str()));
        let _ = write!(
            out,
            "<div class=\"bars\" style=\"padding-left:{}px\"><svg role=\"img\" width=\"100%\" height=\"{height}\" \
             aria-label=\"{}\">",
            letters * 7 + 14,
            escape(&self.alt),
        );
        for (i, label) in self.labels.iter().take(shown).enumerate() {
            let top = i * group + GAP / 2;
            let middle = top + self.series.len() * BAR / 2;
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"-10\" y=\"{middle}\" dy=\".35em\" text-anchor=\"end\">{}<title>{}</title></text>",
                escape(&shorten(label, 16)),
                escape(label),
            );
            self.draw_group(&mut out, i, top, most);
        }
        out.push_str("</svg></div>");
        if self.labels.len() > shown {
            let _ = write!(out, "<p class=\"note\">… and {} more classes.</p>", self.labels.len() - shown);
        }
        format!("<figure>{out}</figure>")
    }

    /// The bars of one label, the longest of all being `most`.
    fn draw_group(&self, out: &mut String, i: usize, top: usize, most: u64) {
        for (s, (name, values)) in self.series.iter().enumerate() {
            let v = values.get(i).copied().unwrap_or(0);
            let width = v as f64 / most as f64 * 100.0;
            let y = top + s * BAR;
            let _ = write!(
                out,
                "<rect class=\"fill s{s}\" x=\"0\" y=\"{y}\" width=\"{width:.2}%\" height=\"{}\" rx=\"1.5\">\
                 <title>{}, {}: {}</title></rect>\
                 <text class=\"tick\" x=\"{width:.2}%\" dx=\"6\" y=\"{}\" dy=\".35em\">{}</text>",
                BAR - 1,
                escape(&self.labels[i]),
                escape(name),
                number::count(v),
                y + BAR / 2,
                number::count(v),
            );
        }
    }
}

/// Curves over a common horizontal axis.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// What it shows, for those who cannot see it.
    pub alt: String,
    /// The name of the horizontal axis.
    pub x_label: String,
    /// The curves: name and (x, y) pairs; pairs that are not finite are left out.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
    /// A vertical mark and its words.
    pub mark: Option<(f64, String)>,
}

/// Where an axis ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// At ticks.
    Round,
    /// At the least and the greatest value.
    Values,
}

/// The span of one axis with its ticks.
struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Axis {
    /// An axis over `values`; none without a finite value.
    fn over(values: impl Iterator<Item = f64>, wanted_ticks: f64, ends: Ends) -> Option<Self> {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high || !(high - low).is_finite() {
            return None;
        }
        let step = nice_step((high - low).max(high.abs() * 1e-6).max(1e-12) / wanted_ticks);
        let (low, high) = if ends == Ends::Round || low == high {
            let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
            (low, if high > low { high } else { low + step })
        } else {
            (low, high)
        };
        let first = (low / step - 1e-9).ceil();
        let count = ((high / step + 1e-9).floor() - first).clamp(0.0, 50.0) as usize;
        // Adding zero turns -0 into 0.
        Some(Self { low, high, ticks: (0..=count).map(|i| (first + i as f64) * step + 0.0).collect() })
    }

    /// Where `v` lies, as a percentage of the axis.
    fn at(&self, v: f64) -> f64 {
        (v - self.low) / (self.high - self.low) * 100.0
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&s| s >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

impl Lines {
    /// The chart with its legend as an HTML figure; empty where there is nothing to draw.
    pub fn draw(&self) -> String {
        let points =
            || self.series.iter().flat_map(|(_, p)| p).filter(|(x, y)| x.is_finite() && y.is_finite());
        let Some((x, y)) = Axis::over(points().map(|p| p.0), 6.0, Ends::Values).zip(Axis::over(
            points().map(|p| p.1),
            4.0,
            Ends::Round,
        )) else {
            return String::new();
        };
        let mut out = legend(self.series.iter().map(|(name, _)| name.as_str()));
        let _ = write!(
            out,
            "<div class=\"lines\"><svg role=\"img\" width=\"100%\" height=\"{PLOT_HEIGHT}\" aria-label=\"{}\">",
            escape(&self.alt)
        );
        self.draw_axes(&mut out, &x, &y);
        // The curves alone are stretched, their strokes are not.
        out.push_str(
            "<svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" width=\"100%\" height=\"100%\">",
        );
        for (s, (_, points)) in self.series.iter().enumerate() {
            let _ = write!(out, "<path class=\"curve s{s}\" d=\"{}\"/>", path(points, &x, &y));
        }
        out.push_str("</svg>");
        if let Some((at, words)) = &self.mark {
            self.draw_mark(&mut out, x.at(*at), words, &x, &y);
        }
        out.push_str("</svg></div>");
        format!("<figure>{out}</figure>")
    }

    fn draw_axes(&self, out: &mut String, x: &Axis, y: &Axis) {
        for &tick in &y.ticks {
            let at = 100.0 - y.at(tick);
            let _ = write!(
                out,
                "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{at:.2}%\" y2=\"{at:.2}%\"/>\
                 <text class=\"tick\" x=\"-8\" y=\"{at:.2}%\" dy=\".35em\" text-anchor=\"end\">{}</text>",
                number::value(tick)
            );
        }
        for &tick in &x.ticks {
            let at = x.at(tick);
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"{PLOT_HEIGHT}\" y2=\"{}\"/>\
                 <text class=\"tick\" x=\"{at:.2}%\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                PLOT_HEIGHT + 4,
                PLOT_HEIGHT + 18,
                number::value(tick)
            );
        }
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"100%\" y2=\"100%\"/>\
             <text class=\"label\" x=\"100%\" y=\"{}\" text-anchor=\"end\">{}</text>",
            PLOT_HEIGHT + 36,
            escape(&self.x_label),
        );
    }

    /// A dashed line at the marked place, and a dot on each curve that has a point there.
    fn draw_mark(&self, out: &mut String, at: f64, words: &str, x: &Axis, y: &Axis) {
        if !(0.0..=100.0).contains(&at) {
            return;
        }
        let (anchor, dx) = if at > 60.0 { ("end", -7) } else { ("start", 7) };
        let _ = write!(
            out,
            "<line class=\"mark\" x1=\"{at:.2}%\" x2=\"{at:.2}%\" y1=\"0\" y2=\"100%\"/>\
             <text class=\"label marked\" x=\"{at:.2}%\" y=\"12\" dx=\"{dx}\" text-anchor=\"{anchor}\">{}</text>",
            escape(words)
        );
        for (s, (_, points)) in self.series.iter().enumerate() {
            if let Some(p) = points.iter().find(|p| (x.at(p.0) - at).abs() < 1e-6 && p.1.is_finite()) {
                let cy = 100.0 - y.at(p.1);
                let _ = write!(out, "<circle class=\"dot s{s}\" cx=\"{at:.2}%\" cy=\"{cy:.2}%\" r=\"4\"/>");
            }
        }
    }
}

/// The path of a curve; a pair that is not finite makes a gap.
fn path(points: &[(f64, f64)], x: &Axis, y: &Axis) -> String {
    let mut d = String::new();
    let mut pen = 'M';
    for &(px, py) in points {
        if px.is_finite() && py.is_finite() {
            let _ = write!(d, "{pen}{:.2} {:.2}", x.at(px), 100.0 - y.at(py));
            pen = 'L';
        } else {
            pen = 'M';
        }
    }
    d
}

/// The names of the series with their colours; nothing for a single one.
fn legend<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    if names.len() < 2 {
        return String::new();
    }
    let items: String = names
        .enumerate()
        .map(|(s, name)| format!("<li><i class=\"swatch s{s}\"></i>{}</li>", escape(name)))
        .collect();
    format!("<ul class=\"legend\">{items}</ul>")
}

/// At most `n` letters, the last an ellipsis where some are left out.
fn shorten(text: &str, n: usize) -> String {
    if text.chars().count() <= n {
        return text.to_owned();
    }
    text.chars().take(n.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        for (low, high) in [(0.0, 1.0), (-3.2, 17.9), (101.3, 101.4), (5.0, 5.0), (0.0, 0.0), (-2e-7, 3e9)] {
            let axis = Axis::over([low, high].into_iter(), 4.0, Ends::Round).unwrap();
            assert!(axis.low <= low && axis.high >= high && axis.high > axis.low, "{low} {high}");
            assert!((2..=12).contains(&axis.ticks.len()), "{:?}", axis.ticks);
        }
        assert!(Axis::over([f64::NAN].into_iter(), 4.0, Ends::Round).is_none());
        assert_eq!([0.3, 1.0, 3.0, 70.0].map(nice_step), [0.5, 1.0, 5.0, 100.0]);
    }

    #[test]
    fn a_curve_has_gaps_where_values_are_not_finite() {
        let x = Axis::over([0.0, 3.0].into_iter(), 3.0, Ends::Round).unwrap();
        let y = Axis::over([0.0, 1.0].into_iter(), 1.0, Ends::Round).unwrap();
        let d = path(&[(0.0, 0.0), (1.0, f64::NAN), (2.0, 1.0), (3.0, 0.5)], &x, &y);
        assert_eq!(d.matches('M').count(), 2);
        assert_eq!(d.matches('L').count(), 1);
    }

    #[test]
    fn charts_escape_what_they_are_told() {
        let bars = Bars {
            alt: "a \"b\"".into(),
            labels: vec!["<script>".into(), "a class with quite a long name".into()],
            series: vec![("before".into(), vec![3, 0]), ("after".into(), vec![1])],
        };
        let out = bars.draw();
        assert!(!out.contains("<script>") && out.contains("&lt;script&gt;"), "{out}");
        assert!(out.contains("a class with qu…") && out.contains("aria-label=\"a &quot;b&quot;\""));
        assert_eq!(Bars::default().draw(), "");
    }

    #[test]
    fn a_line_chart_marks_the_best_epoch() {
        let chart = Lines {
            series: vec![
                ("train".into(), vec![(1.0, 3.0), (2.0, 2.0)]),
                ("val".into(), vec![(1.0, 4.0), (2.0, 3.0)]),
            ],
            mark: Some((2.0, "best".into())),
            ..Lines::default()
        };
        let out = chart.draw();
        assert_eq!(out.matches("<circle").count(), 2);
        assert!(out.contains(">best<") && out.contains("class=\"legend\""));
        assert_eq!(Lines::default().draw(), "");
        let empty = Lines { series: vec![("a".into(), vec![(f64::NAN, 1.0)])], ..Lines::default() };
        assert_eq!(empty.draw(), "");
    }
}
