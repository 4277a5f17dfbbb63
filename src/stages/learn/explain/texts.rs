//! What each word of a text contributes, by taking it away and by integrated gradients.

use std::collections::BTreeMap;

use crate::chart::{Axis, Bar, Figure, Mark, Orientation, Series};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Passage, Word};
use crate::explanation::occlusion::{Instead, occlusion};
use crate::explanation::{Place, Rows};
use crate::tensor::text::TextUnit;
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
    /// Whether words that stand side by side are tokens too.
    pairs: bool,
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
            let found =
                occlusion(model, rows, row, &parts, Instead::Number(0.0), output).map_err(super::work::failed)?;
            (found.parts, "What is missing when the word is not there".to_owned())
        } else {
            let one = rows.take(&[row]);
            let fine = model.words(&one, self.block, output, STEPS).map_err(super::work::failed)?;
            let coarse = model.words(&one, self.block, output, STEPS / 2).map_err(super::work::failed)?;
            let sum = |found: &[f64]| found.iter().sum::<f64>();
            // The rule errs with the square of the step: a third of the change from half of the points is what is left.
            let error = (sum(&fine) - sum(&coarse)).abs() / 3.0;
            let values = places.iter().map(|at| fine.get(*at).copied().unwrap_or(0.0)).collect();
            let sure = if error > 0.005 * sum(&fine).abs() {
                format!(", give or take {}", words::number(error))
            } else {
                String::new()
            };
            let remark = format!(
                "Integrated gradients from an empty text{}; all words together move it by {}{sure}",
                model.words_of(),
                words::signed(sum(&fine)),
            );
            (values, remark)
        };
        let words = places.iter().map(|at| names.get(*at).cloned().unwrap_or_default()).zip(values).collect();
        let (left_out, pairs) = (all.len() - places.len(), self.has_pairs(encoder));
        Ok(Contributions { method, words, remark, left_out, pairs })
    }

    /// Whether words that stand side by side are tokens beside the words themselves.
    fn has_pairs(&self, encoder: &Encoder) -> bool {
        encoder.features().iter().any(|feature| match feature {
            Feature::Text(text) if feature.name() == self.column => {
                let spec = text.encoder().spec();
                spec.unit == TextUnit::Words && spec.ngrams.from == 1 && spec.ngrams.to > 1
            }
            _ => false,
        })
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
        let shown = if self.pairs { shared(&self.words) } else { self.words.clone() };
        let largest = shown.iter().fold(0.0_f64, |most, (_, value)| most.max(value.abs()));
        let weight = |value: f64| if largest > 0.0 { value / largest } else { 0.0 };
        let words =
            shown.iter().map(|(text, value)| Word { text: text.clone(), weight: weight(*value), value: *value });
        let mut note = format!("{}, the strongest one by {}", self.remark, words::number(largest));
        if self.pairs {
            note += ". What words side by side add is shared by them";
        }
        if self.left_out > 0 {
            note += &format!(". {} more words are not looked at", self.left_out);
        }
        Exhibit::Passage(Passage { title, words: words.collect(), of: of.to_owned(), note: Some(note) })
    }
}

/// A text that can be read: each word once, with its share of what it adds together with the words beside it. Nothing is
/// lost: the values add up to the same.
fn shared(tokens: &[(String, f64)]) -> Vec<(String, f64)> {
    let mut words: Vec<(String, f64)> = Vec::new();
    // For each token of several words the place of the first one among the single words.
    let mut several: Vec<(usize, &str, f64)> = Vec::new();
    for (text, value) in tokens {
        match words.len().checked_sub(1).filter(|_| text.contains(' ')) {
            Some(first) => several.push((first, text, *value)),
            None => words.push((text.clone(), *value)),
        }
    }
    for (first, text, value) in several {
        let is_it = |(at, word): &(usize, &str)| words.get(*at).is_some_and(|(known, _)| known == word);
        let mut places: Vec<usize> = (first..).zip(text.split(' ')).filter(is_it).map(|(at, _)| at).collect();
        if places.is_empty() {
            places.push(first);
        }
        let share = value / places.len() as f64;
        for at in places {
            if let Some((_, sum)) = words.get_mut(at) {
                *sum += share;
            }
        }
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_once_with_its_share_of_pairs() {
        let token = |text: &str, value: f64| (text.to_owned(), value);
        let tokens = [
            token("not", 0.5),
            token("not good", -2.0),
            token("good", 1.0),
            token("good at all", 3.0),
            token("at", 0.0),
            token("at odds", 0.25),
        ];
        // "all" is no word of its own here, as when a text was cut, nor is "odds".
        let expected = [token("not", -0.5), token("good", 1.5), token("at", 1.75)];
        let found = shared(&tokens);
        assert_eq!(found, expected);
        let sum = |words: &[(String, f64)]| words.iter().map(|(_, value)| value).sum::<f64>();
        assert_eq!(sum(&found), sum(&tokens));
    }
}
