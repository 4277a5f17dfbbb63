//! A scene as pixels, through the bitmap backend of plotters.
//!
//! plotters draws on whole pixels without smoothing polygons, so the scene is painted twice as large as asked for and averaged. Text is filled glyph
//! by glyph from the outlines of the embedded typeface: that allows any angle and places glyphs between pixels.

use ab_glyph::{Font, Glyph, GlyphId, Outline, OutlineCurve, OutlinedGlyph, PxScaleFactor, Rect as GlyphBox, point};
use plotters::prelude::{BitMapBackend, Color, DrawingBackend, RGBAColor};

use super::error::ChartError;
use super::scene::{Anchor, Point, Rounded, Scene, Shape, Text, ring};
use super::theme::{Ink, Theme};
use super::typography::{advance, face};

/// How many times finer than the file the scene is painted, in each direction.
const FINER: u32 = 2;
/// The largest number of pixels that are painted before averaging (three bytes each).
const MOST_PAINTED: u64 = 120_000_000;

/// A picture: `rgb` is `[height, width, 3]`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
}

/// Paints a scene in a theme with `scale` pixels per CSS pixel.
///
/// Errors: [`ChartError::Picture`] when it would be too large, [`ChartError::Draw`] from the backend.
pub(super) fn paint(scene: &Scene, theme: Theme, scale: u32) -> Result<Pixels, ChartError> {
    let scale = scale.max(1);
    let width = (scene.width.ceil() as u32).max(1).saturating_mul(scale);
    let height = (scene.height.ceil() as u32).max(1).saturating_mul(scale);
    let painted = u64::from(width) * u64::from(height) * u64::from(FINER * FINER);
    if painted > MOST_PAINTED {
        let limit = MOST_PAINTED / u64::from(FINER * FINER);
        return Err(ChartError::Picture { width: width.into(), height: height.into(), limit });
    }
    let (wide, high) = (width * FINER, height * FINER);
    let [red, green, blue] = Ink::Surface.rgb(theme);
    let mut buffer: Vec<u8> = [red, green, blue].repeat(wide as usize * high as usize);
    {
        let mut painter = Painter {
            backend: BitMapBackend::with_buffer(&mut buffer, (wide, high)),
            theme,
            factor: f64::from(scale * FINER),
            size: (wide, high),
        };
        for shape in &scene.shapes {
            painter.shape(shape)?;
        }
        painter.backend.present().map_err(refused)?;
    }
    Ok(Pixels { width, height, rgb: average(&buffer, width, height) })
}

fn refused(error: impl std::fmt::Display) -> ChartError {
    ChartError::Draw(error.to_string())
}

/// Averages blocks of FINER x FINER pixels.
fn average(painted: &[u8], width: u32, height: u32) -> Vec<u8> {
    let (width, height, finer) = (width as usize, height as usize, FINER as usize);
    let stride = width * finer * 3;
    let mut rgb = Vec::with_capacity(width * height * 3);
    for rows in painted.chunks_exact(stride * finer).take(height) {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0_usize;
                for row in rows.chunks_exact(stride) {
                    for step in 0..finer {
                        sum += usize::from(row.get((x * finer + step) * 3 + channel).copied().unwrap_or(0));
                    }
                }
                rgb.push((sum / (finer * finer)) as u8);
            }
        }
    }
    rgb
}

struct Painter<'a> {
    backend: BitMapBackend<'a>,
    theme: Theme,
    /// Painted pixels per CSS pixel.
    factor: f64,
    size: (u32, u32),
}

impl Painter<'_> {
    fn colour(&self, ink: Ink, opacity: f64) -> RGBAColor {
        let [red, green, blue] = ink.rgb(self.theme);
        RGBAColor(red, green, blue, opacity.clamp(0.0, 1.0))
    }

    fn pixel(&self, value: f64) -> i32 {
        // The cast saturates; marks stay inside of the figure, so this only guards.
        (value * self.factor).round().clamp(-100_000.0, 100_000.0) as i32
    }

    fn place(&self, (x, y): Point) -> (i32, i32) {
        (self.pixel(x), self.pixel(y))
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), ChartError> {
        match shape {
            Shape::Rectangle { left, top, width, height, rounded, radius, fill, opacity, .. } => {
                if *opacity <= 0.0 {
                    return Ok(());
                }
                let colour = self.colour(*fill, *opacity);
                if *rounded == Rounded::None || *radius < 0.5 {
                    return self.rectangle((*left, *top), (*width, *height), colour);
                }
                let corners = rounded_ring((*left, *top), (*width, *height), *rounded, *radius);
                self.polygon(&corners, colour)
            }
            Shape::Rule { from, to, stroke, width } => {
                let colour = self.colour(*stroke, 1.0);
                let half = width / 2.0;
                let (left, top) = (from.0.min(to.0), from.1.min(to.1));
                let (right, bottom) = (from.0.max(to.0), from.1.max(to.1));
                if right - left >= bottom - top {
                    self.rectangle((left, top - half), (right - left, *width), colour)
                } else {
                    self.rectangle((left - half, top), (*width, bottom - top), colour)
                }
            }
            Shape::Polyline { points, stroke, width, opacity } => {
                self.polyline(points, *width, self.colour(*stroke, *opacity))
            }
            Shape::Polygons { rings, fill, opacity, .. } => {
                let colour = self.colour(*fill, *opacity);
                rings.iter().try_for_each(|points| self.polygon(points, colour))
            }
            Shape::Dots { centres, radius, fill, opacity } => {
                let colour = self.colour(*fill, *opacity);
                centres.iter().try_for_each(|centre| self.dot(*centre, *radius, colour))
            }
            Shape::Text(text) => self.text(text),
        }
    }

    fn rectangle(
        &mut self,
        (left, top): Point,
        (width, height): (f64, f64),
        colour: RGBAColor,
    ) -> Result<(), ChartError> {
        if width <= 0.0 || height <= 0.0 {
            return Ok(());
        }
        let (x, y) = self.place((left, top));
        // The backend leaves the lower right corner out.
        let (right, bottom) = (self.pixel(left + width).max(x + 1), self.pixel(top + height).max(y + 1));
        self.backend.draw_rect((x, y), (right, bottom), &colour, true).map_err(refused)
    }

    fn polygon(&mut self, points: &[Point], colour: RGBAColor) -> Result<(), ChartError> {
        let corners: Vec<_> = points.iter().map(|point| self.place(*point)).collect();
        if corners.len() < 3 {
            return Ok(());
        }
        self.backend.fill_polygon(corners, &colour).map_err(refused)
    }

    fn dot(&mut self, centre: Point, radius: f64, colour: RGBAColor) -> Result<(), ChartError> {
        let radius = (radius * self.factor).round().clamp(1.0, 10_000.0) as u32;
        self.backend.draw_circle(self.place(centre), radius, &colour, true).map_err(refused)
    }

    /// Every segment is a rectangle with a disc at each end: round joins, and no spikes at sharp angles.
    fn polyline(&mut self, points: &[Point], width: f64, colour: RGBAColor) -> Result<(), ChartError> {
        for (from, to) in points.iter().zip(points.iter().skip(1)) {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = dx.hypot(dy);
            if length == 0.0 {
                continue;
            }
            let (across, along) = (-dy / length * width / 2.0, dx / length * width / 2.0);
            let corners = [
                (from.0 + across, from.1 + along),
                (to.0 + across, to.1 + along),
                (to.0 - across, to.1 - along),
                (from.0 - across, from.1 - along),
            ];
            self.polygon(&corners, colour)?;
        }
        points.iter().try_for_each(|point| self.dot(*point, width / 2.0, colour))
    }

    fn text(&mut self, text: &Text) -> Result<(), ChartError> {
        let face = face(text.weight)?;
        let units = face.units_per_em().unwrap_or(2816.0);
        let size = text.size * self.factor;
        let colour = self.colour(text.fill, 1.0);
        let length: f64 = text.content.chars().map(|c| advance(c, text.weight)).sum::<f64>() * size;
        let mut along = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -length / 2.0,
            Anchor::End => -length,
        };
        let (sine, cosine) = text.angle.to_radians().sin_cos();
        let (x, y) = (text.at.0 * self.factor, text.at.1 * self.factor);
        let factor =
            PxScaleFactor { horizontal: (size / f64::from(units)) as f32, vertical: (size / f64::from(units)) as f32 };
        for character in text.content.chars() {
            let wide = advance(character, text.weight);
            let id = match face.glyph_id(character) {
                // What the typeface lacks is a box, and nothing where it has no width of its own.
                GlyphId(0) if wide > 0.0 => face.glyph_id('□'),
                found => found,
            };
            if id.0 != 0 {
                let position = point((x + along * cosine) as f32, (y + along * sine) as f32);
                if let Some(outline) = face.outline(id) {
                    let outline = if text.angle == 0.0 { outline } else { turned(outline, sine as f32, cosine as f32) };
                    let glyph = Glyph { id, scale: (size as f32).into(), position };
                    self.glyph(&OutlinedGlyph::new(glyph, outline, factor), colour)?;
                }
            }
            along += wide * size;
        }
        Ok(())
    }

    fn glyph(&mut self, glyph: &OutlinedGlyph, colour: RGBAColor) -> Result<(), ChartError> {
        let corner = glyph.px_bounds().min;
        let (left, top) = (corner.x as i32, corner.y as i32);
        let (wide, high) = self.size;
        let mut failure = None;
        glyph.draw(|x, y, coverage| {
            let (x, y) = (left.saturating_add(x as i32), top.saturating_add(y as i32));
            let inside = u32::try_from(x).is_ok_and(|x| x < wide) && u32::try_from(y).is_ok_and(|y| y < high);
            if coverage > 0.0 && inside && failure.is_none() {
                let ink = colour.mix(f64::from(coverage.min(1.0))).to_backend_color();
                failure = self.backend.draw_pixel((x, y), ink).err();
            }
        });
        failure.map_or(Ok(()), |error| Err(refused(error)))
    }
}

/// An outline turned clockwise on the screen; outlines have y upwards.
fn turned(outline: Outline, sine: f32, cosine: f32) -> Outline {
    let turn = |p: ab_glyph::Point| point(p.x * cosine + p.y * sine, p.y * cosine - p.x * sine);
    let curves: Vec<OutlineCurve> = outline
        .curves
        .into_iter()
        .map(|curve| match curve {
            OutlineCurve::Line(a, b) => OutlineCurve::Line(turn(a), turn(b)),
            OutlineCurve::Quad(a, b, c) => OutlineCurve::Quad(turn(a), turn(b), turn(c)),
            OutlineCurve::Cubic(a, b, c, d) => OutlineCurve::Cubic(turn(a), turn(b), turn(c), turn(d)),
        })
        .collect();
    // A box around the turned box holds the turned curves. Like the boxes of the typeface it has its upper edge in `min` and its lower edge in `max`.
    let GlyphBox { min, max } = outline.bounds;
    let corners = [turn(min), turn(max), turn(point(min.x, max.y)), turn(point(max.x, min.y))];
    let (mut low, mut high) = (corners[0], corners[0]);
    for corner in corners {
        low = point(low.x.min(corner.x), low.y.min(corner.y));
        high = point(high.x.max(corner.x), high.y.max(corner.y));
    }
    Outline { bounds: GlyphBox { min: point(low.x, high.y), max: point(high.x, low.y) }, curves }
}

/// The corners of a rectangle some of whose corners are round.
fn rounded_ring((left, top): Point, (width, height): (f64, f64), side: Rounded, radius: f64) -> Vec<Point> {
    let round = match side {
        Rounded::None => return ring(left, top, width, height),
        Rounded::All => [true; 4],
        Rounded::Top => [true, true, false, false],
        Rounded::Right => [false, true, true, false],
        Rounded::Bottom => [false, false, true, true],
        Rounded::Left => [true, false, false, true],
    };
    // Clockwise from the upper left; each with the angle at which its arc begins.
    let corners = [
        ((left, top), (1.0, 1.0), 180.0),
        ((left + width, top), (-1.0, 1.0), 270.0),
        ((left + width, top + height), (-1.0, -1.0), 0.0),
        ((left, top + height), (1.0, -1.0), 90.0),
    ];
    let mut points = Vec::with_capacity(24);
    for ((corner, inwards, begin), round) in corners.into_iter().zip(round) {
        if !round {
            points.push(corner);
            continue;
        }
        let centre = (corner.0 + inwards.0 * radius, corner.1 + inwards.1 * radius);
        for step in 0..=5 {
            let angle = f64::to_radians(begin + 18.0 * f64::from(step));
            points.push((centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin()));
        }
    }
    points
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn picture(shapes: Vec<Shape>) -> Pixels {
        let scene = Scene { width: 40.0, height: 20.0, title: String::new(), description: String::new(), shapes };
        paint(&scene, Theme::Light, 2).unwrap()
    }

    fn at(pixels: &Pixels, x: u32, y: u32) -> [u8; 3] {
        let start = ((y * pixels.width + x) * 3) as usize;
        pixels.rgb[start..start + 3].try_into().unwrap()
    }

    fn dark_columns(pixels: &Pixels) -> Vec<u32> {
        (0..pixels.width).filter(|x| (0..pixels.height).any(|y| at(pixels, *x, y)[0] < 128)).collect()
    }

    #[test]
    fn a_rectangle_covers_exactly_its_pixels() {
        let fill = Ink::Series(0);
        let shape = Shape::Rectangle {
            left: 10.0,
            top: 5.0,
            width: 4.0,
            height: 3.0,
            rounded: Rounded::None,
            radius: 0.0,
            fill,
            opacity: 1.0,
            tooltip: None,
        };
        let pixels = picture(vec![shape]);
        assert_eq!((pixels.width, pixels.height), (80, 40));
        let filled: Vec<_> = (0..40)
            .flat_map(|y| (0..80).map(move |x| (x, y)))
            .filter(|(x, y)| at(&pixels, *x, *y) == fill.rgb(Theme::Light))
            .collect();
        assert_eq!(filled.len(), 8 * 6);
        assert_eq!((filled[0], filled[filled.len() - 1]), ((20, 10), (27, 15)));
        assert_eq!(at(&pixels, 28, 10), [255, 255, 255]);
    }

    #[test]
    fn text_is_anchored_and_turned() {
        let mut text = Text::new((20.0, 12.0), "III", 8.0, Anchor::End, Ink::Text);
        let flat = dark_columns(&picture(vec![Shape::Text(text.clone())]));
        assert!(flat.iter().all(|x| (20..=40).contains(x)), "{flat:?}");
        text.anchor = Anchor::Start;
        let right = dark_columns(&picture(vec![Shape::Text(text.clone())]));
        assert!(right.iter().all(|x| (40..=60).contains(x)), "{right:?}");
        // A quarter turn clockwise leads downwards, with the tops of the letters to the right.
        text.angle = 90.0;
        let turned = dark_columns(&picture(vec![Shape::Text(text)]));
        assert!(turned.iter().all(|x| (40..=53).contains(x)), "{turned:?}");
        assert!(turned.len() >= 10, "a capital letter is 0.727 em high: {turned:?}");
    }

    #[test]
    fn what_lies_outside_is_not_drawn_and_does_not_fail() {
        let text = Text::new((-500.0, 1e9), "far away", 12.0, Anchor::Start, Ink::Text);
        let line = vec![(-1e9, -1e9), (-2e8, -3e8)];
        let shapes =
            vec![Shape::Text(text), Shape::Polyline { points: line, stroke: Ink::Text, width: 1.0, opacity: 1.0 }];
        assert!(dark_columns(&picture(shapes)).is_empty());
    }

    #[test]
    fn a_picture_that_is_too_large_is_refused() {
        let scene =
            Scene { width: 4000.0, height: 4000.0, title: String::new(), description: String::new(), shapes: vec![] };
        let refused = paint(&scene, Theme::Dark, 4).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a picture of 16000 x 16000 pixels is larger than the 30000000 pixels that are drawn; lower its scale"
        );
    }
}
