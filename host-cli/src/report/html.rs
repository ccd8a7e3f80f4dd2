//! The frame of the page and its small parts: escaping, tables, pictures.

use super::MARK;
use super::model::{Picture, Strip};
use std::fmt::Write;

/// Text made safe inside elements and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters have no place in HTML.
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// One section of the page.
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its inside, as HTML.
    pub body: String,
}

/// A whole page: `head` is the HTML above the sections.
pub fn page(title: &str, head: &str, sections: &[Section], foot: &str) -> String {
    let mut nav = String::new();
    let mut main = String::new();
    for Section { id, title, body } in sections {
        let _ = write!(nav, "<li><a href=\"#{id}\">{title}</a></li>");
        let _ = writeln!(
            main,
            "<section id=\"{id}\" aria-labelledby=\"{id}-h\"><h2 id=\"{id}-h\">{title}</h2>{body}</section>"
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         {MARK}\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{style}</style>\n</head>\n<body>\n\
         <header>{head}<nav aria-label=\"Sections\"><ul>{nav}</ul></nav></header>\n\
         <main>\n{main}</main>\n<footer>{foot}</footer>\n</body>\n</html>\n",
        title = escape(title),
        style = include_str!("style.css"),
    )
}

/// A table that scrolls inside itself. Cells are HTML.
#[derive(Default)]
pub struct Table {
    name: String,
    head: String,
    classes: Vec<&'static str>,
    rows: String,
}

impl Table {
    /// A table called `name` (for screen readers) with these columns: heading as HTML and CSS class.
    pub fn new<H: AsRef<str>>(name: &str, columns: &[(H, &'static str)]) -> Self {
        let head = columns
            .iter()
            .map(|(h, class)| format!("<th scope=\"col\"{}>{}</th>", class_attribute(class), h.as_ref()))
            .collect();
        Self {
            name: name.to_owned(),
            head,
            classes: columns.iter().map(|c| c.1).collect(),
            rows: String::new(),
        }
    }

    /// One more row; its first cell heads it.
    pub fn row<C: AsRef<str>>(&mut self, cells: &[C]) {
        self.rows.push_str("<tr>");
        for (i, cell) in cells.iter().enumerate() {
            let class = class_attribute(self.classes.get(i).copied().unwrap_or(""));
            let cell = cell.as_ref();
            let _ = match i {
                0 => write!(self.rows, "<th scope=\"row\"{class}>{cell}</th>"),
                _ => write!(self.rows, "<td{class}>{cell}</td>"),
            };
        }
        self.rows.push_str("</tr>");
    }

    /// The table as HTML; nothing without rows.
    pub fn draw(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        format!(
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table><thead><tr>{}</tr></thead>\
             <tbody>{}</tbody></table></div>",
            escape(&self.name),
            self.head,
            self.rows
        )
    }
}

fn class_attribute(class: &str) -> String {
    if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") }
}

/// The side in CSS pixels that small pictures are drawn at, as nearly as a whole factor allows.
const SHOWN: u32 = 54;

/// One picture; tiny ones are enlarged by a whole factor, with their pixels left sharp.
pub fn picture(p: &Picture, alt: &str) -> String {
    if p.uri.is_empty() {
        return format!("<span class=\"gone\" title=\"{}\">no picture</span>", escape(&p.id));
    }
    let side = p.width.max(p.height).max(1);
    let factor = ((SHOWN + side / 2) / side).max(1);
    let pixel = if factor > 1 { " pixel" } else { "" };
    format!(
        "<img class=\"pic{pixel}\" src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}\" title=\"{}\">",
        p.uri,
        p.width * factor,
        p.height * factor,
        escape(alt),
        escape(&p.id),
    )
}

/// Rows of pictures, one per class.
pub fn strips(strips: &[Strip], what: &str) -> String {
    let mut out = String::new();
    for strip in strips {
        let class = escape(&strip.class);
        let _ = write!(out, "<div class=\"strip\"><div class=\"c\">{class}</div><div class=\"pics\">");
        for p in &strip.pictures {
            out.push_str(&picture(p, &format!("{what}, {}", strip.class)));
        }
        out.push_str("</div></div>");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            escape("<a href='x'>&\"\u{0}</a>"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}&lt;/a&gt;"
        );
        let strip = Strip {
            class: "<b>".into(),
            pictures: vec![Picture { id: "\"><script>".into(), ..Picture::default() }],
        };
        assert!(!strips(&[strip], "x").contains("<script>"));
    }

    #[test]
    fn tiny_pictures_grow_by_whole_factors() {
        let p = |width, height| Picture { id: "a".into(), uri: "data:,".into(), width, height };
        for (side, shown) in [(8, 56), (28, 56), (32, 64)] {
            let want = format!("pic pixel\" src=\"data:,\" width=\"{shown}\"");
            assert!(picture(&p(side, side), "x").contains(&want));
        }
        assert!(picture(&p(64, 48), "x").contains("\"pic\" src=\"data:,\" width=\"64\" height=\"48\""));
        assert!(picture(&p(0, 0), "x").contains("width=\"0\""));
    }

    #[test]
    fn tables_name_their_rows_and_columns() {
        let mut t = Table::new("n", &[("a", ""), ("b", "r")]);
        assert_eq!(t.draw(), "");
        t.row(&["x", "1"]);
        assert!(t.draw().contains("<th scope=\"row\">x</th><td class=\"r\">1</td>"));
    }
}
