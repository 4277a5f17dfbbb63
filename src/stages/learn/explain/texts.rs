//! What each word of a text contributes, by taking it away and by integrated gradients.

use std::collections::BTreeMap;

use crate::chart::{Axis, Bar, Figure, Mark, Orientation, Series};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Passage, Word};
use crate::explanation::occlusion::occlusion;
use crate::explanation::{Place, Rows};
use crate::tensor::{BlockKind, Encoder, Feature};

use super::model::Explained;
use super::options::Method;
use super::words;

/// Points on the way from an empty text; half of them say how good the integral is.
const STEPS: usize = 32;
/// Tokens of a text that are looked at.
const MOST_TOKENS: usize = 400;
/// Rows whose texts make the summary.
pub(super) const ROWS: usize = 200;
/// Words of the summary on each side, and in how many texts a word must stand.
const SUMMARIZED: usize = 10;
const LEAST: usize = 5;

/// A block of texts.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    pub(super) block: usize,
    pub(super) column: String,
}

/// The texts that a model reads.
pub(super) fn texts(encoder: &Encoder) -> Vec<Texts> {
    let blocks = encoder.blocks().iter().enumerate().filter(|(_, block)| block.kind == BlockKind::Text);
    blocks.map(|(block, of)| Texts { block, column: of.name.clone() }).collect()
}

/// What the tokens of a row contributed.
#[derive(Debug, Clone)]
pub(super) struct Contributions {
    pub(super) method: Method,
    /// The words in their order, each with what it contributed.
    pub(super) words: Vec<(String, f64)>,
    /// How good the values are, in a sentence.
    pub(super) remark: String,
    /// Tokens beyond those that are looked at.
    left_out: usize,
}

impl Texts {
    /// Asks what each token of a row contributes to an output.
    ///
    /// Errors: those of the model.
    pub(super) fn ask(
        &self,
        method: Method,
        model: &Explained<'_>,
        (rows, row): (&Rows, usize),
        output: usize,
        encoder: &Encoder,
        text: Option<&str>,
    ) -> Result<Contributions, Diagnostic> {
        let tokens = match rows.blocks().get(self.block) {
            Some(block) if row < block.nrows() => block.row(row).to_vec(),
            _ => Vec::new(),
        };
        let names = self.names(&tokens, encoder, text);
        let all: Vec<usize> =
            (0..tokens.len()).filter(|at| tokens.get(*at).is_some_and(|token| *token != 0.0)).collect();
        let places = all.get(..MOST_TOKENS.min(all.len())).unwrap_or_default();
        let (values, remark): (Vec<f64>, String) = if method == Method::Occlusion {
            let parts: Vec<Vec<Place>> = places.iter().map(|at| vec![Place { block: self.block, at: *at }]).collect();
            let found = occlusion(model, rows, row, &parts, 0.0, output).map_err(super::work::failed)?;
            (found.parts, "What is missing when the word is not there".to_owned())
        } else {
            let one = rows.take(&[row]);
            let fine = model.words(&one, self.block, output, STEPS).map_err(super::work::failed)?;
            let coarse = model.words(&one, self.block, output, STEPS / 2).map_err(super::work::failed)?;
            let sum = |found: &[f64]| found.iter().sum::<f64>();
            // The rule errs with the square of the step: a third of the change from half of the points is what is left.
            let error = (sum(&fine) - sum(&coarse)).abs() / 3.0;
            let values = places.iter().map(|at| fine.get(*at).copied().unwrap_or(0.0)).collect();
            let remark = format!(
                "Integrated gradients from an empty text{}; the sum, {}, is right to about {}",
                model.words_of(),
                words::signed(sum(&fine)),
                words::number(error)
            );
            (values, remark)
        };
        let words = places.iter().map(|at| names.get(*at).cloned().unwrap_or_default()).zip(values).collect();
        Ok(Contributions { method, words, remark, left_out: all.len() - places.len() })
    }

    /// What the tokens say: the words of the text where they are known, else those of the vocabulary.
    fn names(&self, tokens: &[f32], encoder: &Encoder, text: Option<&str>) -> Vec<String> {
        let mut names = encoder.token_names(self.block, tokens);
        let feature = encoder.features().iter().find(|feature| feature.name() == self.column);
        if let (Some(Feature::Text(known)), Some(text)) = (feature, text) {
            for piece in known.encoder().pieces(text) {
                let is_it = tokens.get(piece.place).is_some_and(|token| *token == piece.token as f32);
                if let Some(name) = names.get_mut(piece.place).filter(|_| is_it) {
                    *name = piece.text;
                }
            }
        }
        names
    }
}

impl Contributions {
    /// The text with its words coloured.
    pub(super) fn passage(&self, title: String, of: &str) -> Exhibit {
        let largest = self.words.iter().fold(0.0_f64, |most, (_, value)| most.max(value.abs()));
        let weight = |value: f64| if largest > 0.0 { value / largest } else { 0.0 };
        let words =
            self.words.iter().map(|(text, value)| Word { text: text.clone(), weight: weight(*value), value: *value });
        let mut note = format!("{}. The strongest word has {}", self.remark, words::number(largest));
        if self.left_out > 0 {
            note += &format!(". {} more words are not looked at", self.left_out);
        }
        Exhibit::Passage(Passage { title, words: words.collect(), of: of.to_owned(), note: Some(note) })
    }
}

/// The words that say most on average, over the texts of several rows.
pub(super) fn summary(all: &[Contributions], column: &str, of: &str) -> Option<Exhibit> {
    let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (word, value) in all.iter().flat_map(|found| &found.words) {
        let sum = sums.entry(word).or_default();
        *sum = (sum.0 + value, sum.1 + 1);
    }
    let mut means: Vec<(&str, f64)> = sums
        .into_iter()
        .filter(|(word, (_, count))| *count >= LEAST && !word.is_empty())
        .map(|(word, (sum, count))| (word, sum / count as f64))
        .collect();
    means.sort_by(|a, b| b.1.total_cmp(&a.1));
    let last = means.len().saturating_sub(SUMMARIZED);
    let speaks = |at: usize, value: f64| (at < SUMMARIZED && value > 0.0) || (at >= last && value < 0.0);
    let shown: Vec<(&str, f64)> =
        means.iter().enumerate().filter(|(at, (_, value))| speaks(*at, *value)).map(|(_, mean)| *mean).collect();
    if shown.is_empty() {
        return None;
    }
    let series = Series::new("", shown.iter().map(|(_, value)| Some(*value)));
    let names = shown.iter().map(|(word, _)| words::short(word, 40));
    let bar = Bar { orientation: Orientation::Horizontal, ..Bar::new(names, vec![series]) };
    let mut figure = Figure::new(format!("Words of {column} that say most"), Mark::Bar(bar));
    figure.subtitle =
        format!("Mean contribution in {} texts, of words that stand there {LEAST} times or more", all.len());
    figure.y = Axis::labelled(of);
    Some(Exhibit::Figure(Box::new(figure)))
}
