//! The report page of a scaling study as HTML and Markdown, with plots and numbers.

use super::point::{Point, Relative};
use super::scaling::Scaling;
use crate::console::{printable, say};
use crate::plot::output::Sheet;
use anyhow::Result;
use io::{Kind, Outputs, Target};
use std::path::Path;
use treecode::Phase;
use viz::plot::{Axis, COLOURS, Figure, Look, Mark, Panel, Series};

struct Table {
    title: &'static str,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The files of the page in the folder of a study.
pub(super) struct Targets {
    html: Target,
    markdown: Target,
    table: Target,
    plot: Target,
    paper: Target,
}

impl Targets {
    /// Reserves `index.html`, `study.md`, `study.csv`, `scaling.svg` and `scaling.pdf`.
    ///
    /// # Errors
    /// If one of them must not be written.
    pub(super) fn new(folder: &Path, outputs: &mut Outputs) -> Result<Targets> {
        let mut file = |name: &str, kind| outputs.file(&folder.join(name), kind);
        Ok(Targets {
            html: file("index.html", Kind::PAGE)?,
            markdown: file("study.md", Kind::MARKDOWN)?,
            table: file("study.csv", Kind::TABLE)?,
            plot: file("scaling.svg", Kind::PLOT)?,
            paper: file("scaling.pdf", Kind::PLOT)?,
        })
    }
}

/// Writes the page. Points must be ordered by the number of ranks.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn write(scaling: Scaling, file: &Path, targets: &Targets, points: &[Point]) -> Result<()> {
    let title = format!("{} scaling of {}", capital(scaling.name()), file.display());
    let introduction = introduction(scaling, points);
    let tables = [times(points), speeds(scaling, points), ranks(points)];
    let figure = figure(scaling, points);
    let svg = figure.svg();
    let sheet = sheet(scaling, points);

    let markdown = format!(
        "# {}\n\n{introduction}\n\n{}\n![Plots](scaling.svg)\n",
        marked(&title),
        tables.iter().map(Table::markdown).collect::<Vec<_>>().join("\n")
    );
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>{0}</h1>\n<p>{1}</p>\n{2}\n{3}</body>\n</html>\n",
        escaped(&title),
        escaped(&introduction),
        tables.iter().map(Table::html).collect::<Vec<_>>().join("\n"),
        // HTML does not allow the XML declaration of a separate file.
        svg.find("<svg").map_or("", |start| &svg[start..])
    );
    io::table::write(&targets.table, &sheet.columns, &sheet.rows)?;
    for (target, text) in [(&targets.plot, &svg), (&targets.markdown, &markdown), (&targets.html, &html)] {
        target.write(text.as_bytes())?;
    }
    targets.paper.write(&figure.pdf(&Look::default())?)?;
    tables[1].lines().iter().for_each(|line| say(line));
    say(&format!("{}", targets.html.path().display()));
    Ok(())
}

const STYLE: &str = "body { font: 16px/1.5 sans-serif; max-width: 1150px; margin: 2em auto; padding: 0 1em; color: #222 } \
    table { border-collapse: collapse; margin: 0 0 1.5em } th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd } \
    svg { max-width: 100%; height: auto }";

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    let text = printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Escapes text for Markdown.
fn marked(text: &str) -> String {
    let shown = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => format!("\\{c}"),
        _ => c.to_string(),
    };
    printable(text).chars().map(shown).collect()
}

fn introduction(scaling: Scaling, points: &[Point]) -> String {
    let (first, last) = (&points[0], &points[points.len() - 1]);
    let bodies = match scaling {
        Scaling::Strong => format!("{} bodies on {} to {} ranks", first.bodies, first.ranks, last.ranks),
        Scaling::Weak => {
            format!(
                "{} bodies for each of {} to {} ranks",
                first.bodies / first.ranks,
                first.ranks,
                last.ranks
            )
        }
    };
    let mut builds: Vec<&str> = points.iter().map(|point| point.build.as_str()).collect();
    builds.dedup();
    let build = match builds[..] {
        [one] => one.to_owned(),
        _ => format!("several builds, whose times cannot be compared: {}", builds.join("; ")),
    };
    format!(
        "{bodies} of {} thread(s), {} steps, by {build}. Times are means of a step, the first force evaluation included and the direct sums that verify the accuracy left \
         out; each phase is that of the slowest rank. Speed-up, efficiency and serial fraction (Karp & Flatt 1990) are against {} rank(s).",
        first.threads, first.steps, first.ranks
    )
}

/// Phases of the table, in the order of execution.
fn phases() -> Vec<&'static str> {
    Phase::ALL.map(Phase::name).into_iter().chain(["integrate", "diagnostics"]).collect()
}

fn times(points: &[Point]) -> Table {
    let header = ["ranks", "bodies", "step [ms]"].into_iter().chain(phases()).map(str::to_owned).collect();
    let row = |point: &Point| {
        let milliseconds = |seconds: f64| format!("{:.2}", 1e3 * seconds);
        let parts = phases().into_iter().map(|name| milliseconds(point.phase(name)));
        let head = [point.ranks.to_string(), point.bodies.to_string(), milliseconds(point.seconds)];
        head.into_iter().chain(parts).collect()
    };
    Table { title: "Time of a step by phase", header, rows: points.iter().map(row).collect() }
}

fn speeds(scaling: Scaling, points: &[Point]) -> Table {
    let header = ["ranks", "step [ms]", "Gflop/s", "speed-up", "efficiency", "serial fraction", "balance"];
    let row = |point: &Point| {
        let Relative { speed_up, efficiency, serial_fraction, .. } = point.relative_to(&points[0], scaling);
        vec![
            point.ranks.to_string(),
            format!("{:.2}", 1e3 * point.seconds),
            format!("{:.3}", point.gflops),
            format!("{speed_up:.3}"),
            format!("{efficiency:.3}"),
            serial_fraction.map_or("-".to_owned(), |part| format!("{part:.4}")),
            format!("{:.3}", point.balance),
        ]
    };
    Table { title: "Speed", header: header.map(str::to_owned).into(), rows: points.iter().map(row).collect() }
}

fn ranks(points: &[Point]) -> Table {
    let header = ["ranks", "kB sent", "bytes a body", "messages", "wait hidden", "memory [MB]"];
    let row = |point: &Point| {
        let bodies = point.bodies as f64 / point.ranks as f64;
        vec![
            point.ranks.to_string(),
            format!("{:.2}", 1e-3 * point.bytes),
            format!("{:.1}", point.bytes / bodies),
            format!("{:.1}", point.messages),
            point.hidden.map_or("-".to_owned(), |part| format!("{:.0} %", 100.0 * part)),
            point.memory.map_or("-".to_owned(), |bytes| format!("{:.1}", 1e-6 * bytes)),
        ]
    };
    Table {
        title: "A rank in a step, and its memory",
        header: header.map(str::to_owned).into(),
        rows: points.iter().map(row).collect(),
    }
}

impl Point {
    /// Time of a phase [s].
    fn phase(&self, name: &str) -> f64 {
        self.phases.get(name).copied().unwrap_or(0.0)
    }
}

impl Table {
    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = line(&vec!["---:".to_owned(); self.header.len()]);
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("## {}\n\n{}{rule}{rows}", self.title, line(&self.header))
    }

    fn html(&self) -> String {
        let line = |mark: &str, cells: &[String]| {
            let cells: String =
                cells.iter().map(|cell| format!("<{mark}>{}</{mark}>", escaped(cell))).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let rows: String = self.rows.iter().map(|row| line("td", row)).collect();
        format!("<h2>{}</h2>\n<table>\n{}{rows}</table>", self.title, line("th", &self.header))
    }

    /// The table as lines for a terminal.
    fn lines(&self) -> Vec<String> {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let width = |k: usize| all().map(|row| row[k].len()).max().unwrap_or(0);
        let line = |row: &Vec<String>| {
            let cells: Vec<String> =
                row.iter().enumerate().map(|(k, cell)| format!("{cell:>0$}", width(k))).collect();
            cells.join("  ")
        };
        all().map(line).collect()
    }
}

fn figure(scaling: Scaling, points: &[Point]) -> Figure {
    let ranks = |point: &Point| point.ranks as f64;
    let ends = [&points[0], &points[points.len() - 1]];
    let line = |name: &str, k: usize, of: &dyn Fn(&Point) -> f64| {
        let line = points.iter().map(|point| [ranks(point), of(point)]).collect();
        Series::new(name, COLOURS[k % COLOURS.len()], Mark::LinePoints, line)
    };
    let ideal = |of: &dyn Fn(&Point) -> f64| {
        let line = ends.iter().map(|point| [ranks(point), of(point)]).collect();
        Series::new("ideal", COLOURS[6], Mark::Dashes, line)
    };
    let relative = |point: &Point| point.relative_to(&points[0], scaling);
    let panel = |y: Axis, series: Vec<Series>| Panel { series, ..Panel::new(Axis::log("Ranks"), y) };

    let mut shares: Vec<&str> = phases();
    let greatest = |name: &str| points.iter().map(|point| point.phase(name)).fold(0.0, f64::max);
    shares.sort_by(|a, b| greatest(b).total_cmp(&greatest(a)));
    let parts = shares.iter().take(6).enumerate().map(|(k, name)| line(name, k, &|point| point.phase(name)));
    let whole = line("step", 6, &|point| point.seconds);
    Figure::new(vec![
        panel(Axis::log("Time of a step [s]"), std::iter::once(whole).chain(parts).collect()),
        panel(
            Axis::log("Speed-up"),
            vec![
                ideal(&|point| relative(point).growth),
                line("measured", 0, &|point| relative(point).speed_up),
            ],
        ),
        panel(
            Axis::linear("Part").reaching(0.0).reaching(1.0),
            vec![
                line("efficiency", 0, &|point| relative(point).efficiency),
                line("load balance", 2, &|point| point.balance),
                line("serial fraction", 1, &|point| relative(point).serial_fraction.unwrap_or(f64::NAN)),
            ],
        ),
        panel(
            Axis::linear("Sent by a rank in a step [kB]").reaching(0.0),
            vec![line("", 0, &|point| 1e-3 * point.bytes)],
        ),
        panel(
            Axis::linear("Messages of a rank in a step").reaching(0.0),
            vec![line("", 0, &|point| point.messages)],
        ),
        panel(
            Axis::linear("Memory of a rank [MB]").reaching(0.0),
            vec![line("", 0, &|point| 1e-6 * point.memory.unwrap_or(f64::NAN))],
        ),
    ])
}

fn sheet(scaling: Scaling, points: &[Point]) -> Sheet {
    let fixed = [
        "ranks",
        "threads",
        "bodies",
        "steps",
        "seconds",
        "gflops_gordon_bell",
        "speed_up",
        "efficiency",
        "serial_fraction",
        "load_balance",
        "bytes_per_rank",
        "messages_per_rank",
        "travel_hidden",
        "memory_per_rank",
    ];
    let mut sheet = Sheet::new(&fixed.into_iter().chain(phases()).collect::<Vec<_>>());
    for point in points {
        let relative = point.relative_to(&points[0], scaling);
        let numbers = [
            point.ranks as f64,
            point.threads as f64,
            point.bodies as f64,
            point.steps as f64,
            point.seconds,
            point.gflops,
            relative.speed_up,
            relative.efficiency,
            relative.serial_fraction.unwrap_or(f64::NAN),
            point.balance,
            point.bytes,
            point.messages,
            point.hidden.unwrap_or(f64::NAN),
            point.memory.unwrap_or(f64::NAN),
        ];
        let parts = phases().into_iter().map(|name| point.phase(name));
        sheet.row(&[], &numbers.into_iter().chain(parts).collect::<Vec<_>>());
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::super::point::tests::amdahl;
    use super::*;

    #[test]
    fn the_page_holds_every_run_and_its_plots() {
        let folder = tempfile::tempdir().unwrap();
        let points = [1, 2, 8].map(|ranks| amdahl(ranks, 0.2));
        let targets = Targets::new(folder.path(), &mut Outputs::new(false)).unwrap();
        write(Scaling::Strong, Path::new("a<b.toml"), &targets, &points).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let markdown = read("study.md");
        // 10 (0.2 + 0.8 / 8) s for 10 evaluations; a speed-up of 1 / 0.3.
        assert!(markdown.contains("| 8 | 300.00 | 4.000 | 3.333 | 0.417 | 0.2000 | 0.900 |"), "{markdown}");
        assert!(markdown.contains("| 8 | 0.06 | 0.5 | 2.0 | - | 0.0 |"), "{markdown}");
        let html = read("index.html");
        assert_eq!((html.matches("<table>").count(), html.matches("<svg").count()), (3, 1));
        assert!(html.contains("a&lt;b.toml") && html.contains("<td>3.333</td>") && !html.contains("<?xml"));
        let table = io::table::read(&folder.path().join("study.csv")).unwrap();
        assert_eq!(table.get("speed_up").unwrap()[0], 1.0);
        assert_eq!(table.rows(), 3);
    }

    #[test]
    fn a_name_stays_text() {
        let folder = tempfile::tempdir().unwrap();
        let name = "<img src=x onerror='a\"b'>\u{1b}[31m|`c`\n# head_[d](e).toml";
        let targets = Targets::new(folder.path(), &mut Outputs::new(false)).unwrap();
        write(Scaling::Weak, Path::new(name), &targets, &[amdahl(1, 0.2)]).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let (html, markdown) = (read("index.html"), read("study.md"));
        assert!(
            !html.contains("<img") && html.contains("&lt;img src=x onerror=&#39;a&quot;b&#39;&gt;\\u{1b}")
        );
        let title = markdown.lines().next().unwrap();
        let end = r"\\u{1b}\[31m\|\`c\`\\n\# head\_\[d\](e).toml";
        assert!(title.ends_with(end), "{title}");
        assert!(!markdown.contains("<img") && !(html + &markdown).contains('\u{1b}'));
    }

    #[test]
    fn one_run_is_a_page_too() {
        let folder = tempfile::tempdir().unwrap();
        let targets = Targets::new(folder.path(), &mut Outputs::new(false)).unwrap();
        write(Scaling::Weak, Path::new("a.toml"), &targets, &[amdahl(3, 0.2)]).unwrap();
        assert!(folder.path().join("index.html").exists());
    }
}
