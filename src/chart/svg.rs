//! A scene as SVG text.
//!
//! Colours are presentation attributes, never inline styles, so that a page may forbid those. Nothing in it is an id, so any number of figures can
//! stand in one page. All text is escaped here and nowhere else.

use std::fmt::Write;

use super::scene::{Anchor, Point, Rounded, Scene, Shape, Text};
use super::theme::{Ink, Theme};
use super::typography::Weight;

/// The reader's interface font, with those of the common systems as alternatives.
const FONTS: &str =
    "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif";

/// Where the colours of an SVG come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SvgColours {
    /// CSS variables of the page around it, with the light theme as fallback: `fill="var(--chart-series-1, #3358cb)"`. For SVG inside of a page,
    /// which declares [`Theme::css_variables`]. The paper is the page's.
    #[default]
    Variables,
    /// A style sheet of its own that follows the reader's light or dark scheme. For a file on its own, on paper of its own.
    Standalone,
    /// The colours of one theme, on paper of its own.
    Fixed(Theme),
}

/// Writes a scene as one SVG element.
pub(super) fn write(scene: &Scene, colours: SvgColours) -> String {
    let mut writer = Writer { out: String::with_capacity(16 * 1024), colours };
    writer.document(scene);
    writer.out
}

struct Writer {
    out: String,
    colours: SvgColours,
}

/// Writing to a String cannot fail, so the result of `write!` is dropped in this one place.
macro_rules! put {
    ($writer:expr, $($part:tt)*) => {{
        let _ = write!($writer.out, $($part)*);
    }};
}

impl Writer {
    fn document(&mut self, scene: &Scene) {
        let (width, height) = (fine(scene.width), fine(scene.height));
        put!(
            self,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{}\" font-family=\"{FONTS}\">",
            escape(&scene.title)
        );
        put!(self, "<title>{}</title><desc>{}</desc>", escape(&scene.title), escape(&scene.description));
        match self.colours {
            SvgColours::Variables => {}
            SvgColours::Standalone => {
                put!(
                    self,
                    "<style>:root{{{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}</style>",
                    Theme::Light.css_variables(),
                    Theme::Dark.css_variables()
                );
                self.paper(&width, &height);
            }
            SvgColours::Fixed(_) => self.paper(&width, &height),
        }
        for shape in &scene.shapes {
            self.out.push('\n');
            self.shape(shape);
        }
        self.out.push_str("\n</svg>");
    }

    fn paper(&mut self, width: &str, height: &str) {
        put!(self, "<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>", self.colour(Ink::Surface));
    }

    fn colour(&self, ink: Ink) -> String {
        match self.colours {
            SvgColours::Fixed(theme) => ink.hex(theme).to_string(),
            SvgColours::Variables | SvgColours::Standalone => {
                format!("var({}, {})", ink.variable(), ink.hex(Theme::Light))
            }
        }
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Rectangle { left, top, width, height, rounded, radius, fill, opacity, tooltip } => {
                let paint = self.paint(*fill, *opacity);
                match rounded {
                    Rounded::None | Rounded::All => {
                        let corner =
                            if *rounded == Rounded::All { format!(" rx=\"{}\"", fine(*radius)) } else { String::new() };
                        put!(
                            self,
                            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{corner}{paint}",
                            fine(*left),
                            fine(*top),
                            fine(*width),
                            fine(*height)
                        );
                        self.close("rect", tooltip.as_deref());
                    }
                    side => {
                        let path = rounded_path((*left, *top), (*width, *height), *side, *radius);
                        put!(self, "<path d=\"{path}\"{paint}");
                        self.close("path", tooltip.as_deref());
                    }
                }
            }
            Shape::Rule { from, to, stroke, width } => {
                put!(
                    self,
                    "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"{}\" shape-rendering=\"crispEdges\"/>",
                    fine(from.0),
                    fine(from.1),
                    fine(to.0),
                    fine(to.1),
                    self.colour(*stroke),
                    fine(*width)
                );
            }
            Shape::Polyline { points, stroke, width, opacity } => {
                put!(
                    self,
                    "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{}/>",
                    path(points, false),
                    self.colour(*stroke),
                    fine(*width),
                    share("opacity", *opacity)
                );
            }
            Shape::Polygons { rings, fill, opacity, tooltip } => {
                put!(self, "<path d=\"");
                for ring in rings {
                    self.out.push_str(&path(ring, true));
                }
                put!(self, "\"{}", self.paint(*fill, *opacity));
                self.close("path", tooltip.as_deref());
            }
            Shape::Dots { centres, radius, fill, opacity } => {
                put!(self, "<g{}>", self.paint(*fill, *opacity));
                let radius = fine(*radius);
                for (x, y) in centres {
                    put!(self, "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>", coarse(*x), coarse(*y));
                }
                self.out.push_str("</g>");
            }
            Shape::Text(text) => self.text(text),
        }
    }

    fn text(&mut self, text: &Text) {
        let (x, y) = (fine(text.at.0), fine(text.at.1));
        put!(self, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"", fine(text.size));
        match text.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        if text.weight == Weight::SemiBold {
            self.out.push_str(" font-weight=\"600\"");
        }
        if text.angle != 0.0 {
            put!(self, " transform=\"rotate({} {x} {y})\"", fine(text.angle));
        }
        put!(self, " fill=\"{}\">", self.colour(text.fill));
        if let Some(tooltip) = &text.tooltip {
            put!(self, "<title>{}</title>", escape(tooltip));
        }
        put!(self, "{}</text>", escape(&text.content));
    }

    fn paint(&self, fill: Ink, opacity: f64) -> String {
        format!(" fill=\"{}\"{}", self.colour(fill), share("fill-opacity", opacity))
    }

    fn close(&mut self, element: &str, tooltip: Option<&str>) {
        match tooltip {
            Some(text) => put!(self, "><title>{}</title></{element}>", escape(text)),
            None => self.out.push_str("/>"),
        }
    }
}

fn share(attribute: &str, opacity: f64) -> String {
    if opacity >= 1.0 { String::new() } else { format!(" {attribute}=\"{}\"", fine(opacity)) }
}

/// A coordinate with at most two decimals.
fn fine(value: f64) -> String {
    trimmed(format!("{value:.2}"))
}

/// A coordinate with at most one decimal, for shapes that come by the thousand.
fn coarse(value: f64) -> String {
    trimmed(format!("{value:.1}"))
}

fn trimmed(mut digits: String) -> String {
    if digits.contains('.') {
        let kept = digits.trim_end_matches('0').trim_end_matches('.').len();
        digits.truncate(kept);
    }
    if digits == "-0" { "0".to_string() } else { digits }
}

fn path(points: &[Point], closed: bool) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    let mut before: Option<(String, String)> = None;
    for (x, y) in points {
        let (x, y) = (coarse(*x), coarse(*y));
        // Steps along one axis need one coordinate: a matrix of rectangles becomes half as long.
        match &before {
            None => out.extend(["M", &x, " ", &y]),
            Some((last_x, last_y)) if *last_x == x && *last_y == y => {}
            Some((last_x, _)) if *last_x == x => out.extend(["V", &y]),
            Some((_, last_y)) if *last_y == y => out.extend(["H", &x]),
            Some(_) => out.extend(["L", &x, " ", &y]),
        }
        before = Some((x, y));
    }
    if points.len() == 1 {
        out.push_str("h0");
    }
    if closed {
        out.push('Z');
    }
    out
}

/// A rectangle with two round corners.
fn rounded_path((left, top): Point, (width, height): Point, side: Rounded, radius: f64) -> String {
    let r = fine(radius);
    let (l, t, right, bottom) = (fine(left), fine(top), fine(left + width), fine(top + height));
    let (l_in, t_in) = (fine(left + radius), fine(top + radius));
    let (r_in, b_in) = (fine(left + width - radius), fine(top + height - radius));
    match side {
        Rounded::Top => {
            format!("M{l} {bottom}V{t_in}A{r} {r} 0 0 1 {l_in} {t}H{r_in}A{r} {r} 0 0 1 {right} {t_in}V{bottom}Z")
        }
        Rounded::Bottom => {
            format!("M{l} {t}V{b_in}A{r} {r} 0 0 0 {l_in} {bottom}H{r_in}A{r} {r} 0 0 0 {right} {b_in}V{t}Z")
        }
        Rounded::Left => {
            format!("M{right} {t}H{l_in}A{r} {r} 0 0 0 {l} {t_in}V{b_in}A{r} {r} 0 0 0 {l_in} {bottom}H{right}Z")
        }
        _ => format!("M{l} {t}H{r_in}A{r} {r} 0 0 1 {right} {t_in}V{b_in}A{r} {r} 0 0 1 {r_in} {bottom}H{l}Z"),
    }
}

/// Text that is safe in an element and in a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn scene(shapes: Vec<Shape>) -> Scene {
        Scene { width: 100.0, height: 50.0, title: "a < b & \"c\"".into(), description: "d".into(), shapes }
    }

    #[test]
    fn colours_are_variables_with_fallbacks_or_fixed() {
        let scene = scene(vec![Shape::Rule { from: (0.0, 1.0), to: (9.5, 1.0), stroke: Ink::Grid, width: 1.0 }]);
        assert!(write(&scene, SvgColours::Variables).contains("stroke=\"var(--chart-grid, #e4e8ed)\""));
        let dark = write(&scene, SvgColours::Fixed(Theme::Dark));
        assert!(
            dark.contains("stroke=\"#2b323b\"")
                && dark.contains("<rect width=\"100\" height=\"50\" fill=\"#14171c\"/>")
        );
        assert!(
            write(&scene, SvgColours::Standalone)
                .contains("@media(prefers-color-scheme:dark){:root{--chart-surface:#14171c;")
        );
    }

    #[test]
    fn titles_are_escaped_in_elements_and_attributes() {
        let svg = write(&scene(vec![]), SvgColours::Variables);
        assert!(svg.contains("aria-label=\"a &lt; b &amp; &quot;c&quot;\""));
        assert!(svg.contains("<title>a &lt; b &amp; &quot;c&quot;</title><desc>d</desc>"));
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([fine(1.0), fine(1.005), fine(-0.001), fine(12.5), fine(100.0)], ["1", "1", "0", "12.5", "100"]);
        assert_eq!(path(&[(1.25, 2.0), (3.04, 4.0)], true), "M1.2 2L3 4Z");
        assert_eq!(path(&[(1.0, 2.0)], false), "M1 2h0");
        assert_eq!(path(&[(1.0, 2.0), (3.0, 2.0), (3.0, 5.0), (1.0, 5.0)], true), "M1 2H3V5H1Z");
    }

    #[test]
    fn a_bar_is_rounded_at_its_free_end_only() {
        assert_eq!(
            rounded_path((10.0, 20.0), (8.0, 30.0), Rounded::Top, 2.0),
            "M10 50V22A2 2 0 0 1 12 20H16A2 2 0 0 1 18 22V50Z"
        );
    }
}
