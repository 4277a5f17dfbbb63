//! From options to a specification: what is wrong is said with its place.

use super::Tensors;
use super::features::{Columns, Features, SequenceOptions, named};
use super::targets::{asked, target};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field};
use crate::stages::{TableShape, inputs};
use crate::tensor::{
    CategoryEncoding, ContentSpec, DateKind, DateOptions, FeatureKind, FeatureSpec, LONGEST_VECTOR, NumberScale,
    SEQUENCE, SequenceSpec, Specification, TABLE, TargetSpec,
};

/// The longest window, and the farthest look ahead.
const LONGEST: usize = 65_536;
/// The most numbers of a window.
const LARGEST_WINDOW: usize = 1 << 24;

/// A feature as far as it was written: a list leaves the kind to the type of the column.
enum Kind {
    ByType,
    Number(NumberScale),
    Category(CategoryEncoding),
    Date(DateOptions),
    Text(crate::tensor::text::TextOptions),
    Image(crate::tensor::image::ImageOptions),
    Audio(crate::tensor::audio::AudioOptions),
}

/// A refusal in words, and what to do about it.
type Refused = (String, &'static str);

impl Tensors {
    /// Which columns become what.
    ///
    /// Errors: all that is wrong with the columns and their options.
    pub(super) fn specification(&self, table: &TableShape, id: &str) -> Result<Specification, Findings> {
        let mut findings = Findings::new();
        let targets = self.targets(table, id, &mut findings);
        let names = |targets: &[TargetSpec]| targets.iter().map(|target| target.column.clone()).collect::<Vec<_>>();
        let (features, sequence) = self.written();
        let mean = |kind: &Kind| matches!(kind, Kind::Category(CategoryEncoding::Target(_)));
        if let (Some(_), Some((name, _))) = (sequence, features.iter().find(|(_, kind)| mean(kind))) {
            let message = format!("`{}` cannot become the mean of the target beside a `sequence`", name.value);
            let why = "without a row the mean still knows the rows before and after it";
            let help = "say `embedding`, `one_hot` or `hash`; or put `encode: {columns: {..: {target: ..}}}` above";
            findings.push(Diagnostic::definition(message).at(&name.place).label(why).help(help));
        }
        let features = self.features(&features, table, id, &names(&targets), &mut findings);
        let sequence =
            sequence.and_then(|sequence| self.sequence(sequence, table, id, &names(&targets), &mut findings));
        if let Err(wrong) = self.number_scale.value.check() {
            findings.push(Diagnostic::definition(wrong).at(&self.number_scale.place));
        }
        if findings.is_empty() && features.is_empty() && sequence.is_none() {
            findings.push(Diagnostic::definition("there is no feature").help("name columns in `features`"));
        }
        if findings.is_empty() { Ok(Specification { features, sequence, targets }) } else { Err(findings) }
    }

    fn targets(&self, table: &TableShape, id: &str, findings: &mut Findings) -> Vec<TargetSpec> {
        let asked = asked(&self.target, &self.target_kind);
        if asked.is_empty() {
            findings.push(Diagnostic::definition("`target` names no column").at(&self.target.place));
        }
        let mut found: Vec<TargetSpec> = Vec::new();
        for (name, choice) in &asked {
            let spec = inputs::column(&table.schema, name, id).and_then(|field| target(field, choice, name));
            match spec {
                Ok(spec) if found.iter().any(|other| other.column == spec.column) => {
                    let message = format!("column `{}` is named twice", name.value);
                    findings.push(Diagnostic::definition(message).at(&name.place));
                }
                Ok(spec) => found.push(spec),
                Err(finding) => findings.push(finding),
            }
        }
        found
    }

    /// The features in the order of the definition.
    fn written(&self) -> (Vec<(Spanned<String>, Kind)>, Option<&SequenceOptions>) {
        let kinds = match &self.features {
            Features::ByType(names) => {
                return (names.iter().map(|name| (name.clone(), Kind::ByType)).collect(), None);
            }
            Features::ByKind(kinds) => kinds,
        };
        let mut all = Vec::new();
        let scale = |scale: Option<NumberScale>| scale.unwrap_or_else(|| self.number_scale.value.clone());
        let encoding = |own: Option<CategoryEncoding>| own.unwrap_or_else(|| self.category_encoding.value.clone());
        all.extend(named(&kinds.number).into_iter().map(|(name, own)| (name, Kind::Number(scale(own)))));
        all.extend(named(&kinds.category).into_iter().map(|(name, own)| (name, Kind::Category(encoding(own)))));
        all.extend(named(&kinds.date).into_iter().map(|(name, own)| (name, Kind::Date(own.unwrap_or_default()))));
        all.extend(named(&kinds.text).into_iter().map(|(name, own)| (name, Kind::Text(own.unwrap_or_default()))));
        all.extend(kinds.image.iter().map(|(name, options)| (name.clone(), Kind::Image(options.clone()))));
        all.extend(named(&kinds.audio).into_iter().map(|(name, own)| (name, Kind::Audio(own.unwrap_or_default()))));
        (all, kinds.sequence.as_ref())
    }

    fn features(
        &self,
        written: &[(Spanned<String>, Kind)],
        table: &TableShape,
        id: &str,
        targets: &[String],
        findings: &mut Findings,
    ) -> Vec<FeatureSpec> {
        let names: Vec<Spanned<String>> = written.iter().map(|(name, _)| name.clone()).collect();
        let fields = match inputs::columns(&table.schema, &names, id) {
            Ok(fields) => fields,
            Err(wrong) => {
                findings.extend(wrong);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for ((name, kind), field) in written.iter().zip(&fields) {
            let refused = if targets.contains(&name.value) {
                Err((format!("`{}` is the target and cannot be a feature", name.value), "take it out of `features`"))
            } else if table.split.as_ref().is_some_and(|split| split.column == name.value) {
                let message = format!("`{}` names the part of each row and cannot be a feature", name.value);
                Err((message, "take it out of `features`"))
            } else {
                self.feature(field, kind)
            };
            let block = |kind: &FeatureKind| match kind {
                FeatureKind::Number(_) | FeatureKind::Vector(..) | FeatureKind::Date(..) => false,
                FeatureKind::Category(encoding) => matches!(encoding, CategoryEncoding::Embedding(_)),
                FeatureKind::Text(_) | FeatureKind::Image(_) | FeatureKind::Audio(_) => true,
            };
            match refused {
                Ok(kind) if block(&kind) && [TABLE, SEQUENCE].contains(&name.value.as_str()) => {
                    let message = format!("an input of its own cannot be called `{}`", name.value);
                    findings
                        .push(Diagnostic::definition(message).at(&name.place).help("rename the column with `select`"));
                }
                Ok(kind) => found.push(FeatureSpec { column: name.value.clone(), kind }),
                Err((message, help)) => {
                    findings.push(Diagnostic::definition(message).at(&name.place).help(help));
                }
            }
        }
        found
    }

    /// What a column becomes.
    fn feature(&self, field: &Field, kind: &Kind) -> Result<FeatureKind, Refused> {
        let (name, data_type) = (&field.name, &field.data_type);
        let holds = |what: &str, help| Err((format!("column `{name}` holds {data_type}, {what}"), help));
        let wrong = |reason: String, help| Err((format!("column `{name}`: {reason}"), help));
        let by_default = match (kind, data_type) {
            (Kind::ByType, data_type) if is_number(data_type) || vector(data_type).is_some() => {
                Some(Kind::Number(self.number_scale.value.clone()))
            }
            (Kind::ByType, DataType::String) => Some(Kind::Category(self.category_encoding.value.clone())),
            (Kind::ByType, DataType::Date | DataType::Time | DataType::Datetime(_)) => {
                Some(Kind::Date(DateOptions::default()))
            }
            _ => None,
        };
        match by_default.as_ref().unwrap_or(kind) {
            Kind::ByType => {
                let message = format!("column `{name}` holds {data_type}: a number or a category?");
                Err((message, "list it under what it is to become: `image`, `audio`, .., or derive a number from it"))
            }
            Kind::Number(_) if !is_number(data_type) && vector(data_type).is_none() => {
                holds("not numbers", "derive a number from it, or list it under `category`")
            }
            Kind::Number(scale) => match scale.check() {
                // What is wrong with the scale of the stage is said once, there.
                Err(reason) if *scale != self.number_scale.value => wrong(reason, "choose another number"),
                _ => match vector(data_type) {
                    Some(length) => vector_feature(field, scale, length),
                    None => Ok(FeatureKind::Number(scale.clone())),
                },
            },
            Kind::Category(_) if data_type.is_nested() || data_type.is_float() || *data_type == DataType::Binary => {
                holds("which names nothing", "list it under `number`, or derive a text from it")
            }
            Kind::Category(encoding) => match encoding.check() {
                Ok(()) => Ok(FeatureKind::Category(self.with_default(encoding))),
                Err(reason) => wrong(reason, "choose another number"),
            },
            Kind::Date(options) => {
                let kind = match data_type {
                    DataType::Date => DateKind::Date,
                    DataType::Time => DateKind::Time,
                    DataType::Datetime(_) => DateKind::Datetime,
                    _ => return holds("no dates or times", "read it as one: `types: {..: date}`"),
                };
                let cycles = options.cycles.as_deref().unwrap_or(kind.cycles());
                if let Some(cycle) = cycles.iter().find(|cycle| !kind.has(**cycle)) {
                    return holds(&format!("which has no `{}`", cycle.name()), "choose other `cycles`");
                }
                if cycles.iter().enumerate().any(|(at, cycle)| cycles.iter().skip(at + 1).any(|other| other == cycle)) {
                    return wrong("a cycle is named twice".to_owned(), "name it once");
                }
                if cycles.is_empty() && (!options.position || kind == DateKind::Time) {
                    return wrong("nothing is left of it".to_owned(), "name `cycles`, or say `position: true`");
                }
                Ok(FeatureKind::Date(kind, options.clone()))
            }
            Kind::Text(_) if *data_type != DataType::String => holds("not texts", "list it under what it is to become"),
            Kind::Text(options) => match options.check() {
                Ok(()) => Ok(FeatureKind::Text(options.clone())),
                Err((_, reason)) => wrong(reason, "see `text` in the documentation of `tensors`"),
            },
            Kind::Image(options) => {
                let list = data_type.array();
                let is_image = match list {
                    Some((element, _)) => is_number(element),
                    None => matches!(data_type, DataType::List(_) | DataType::Binary | DataType::String),
                };
                if !is_image {
                    let help = "an image is a list of numbers, a PNG or JPEG in a binary column, or the path of one";
                    return holds("no images", help);
                }
                if let (Some((_, size)), Ok(())) = (list, options.check())
                    && size != options.list_size() as u64
                {
                    let [height, width, channels] = options.list_shape();
                    let what =
                        format!("{size} numbers a row, and an image of {height} x {width} x {channels} has others");
                    let help =
                        "say its `height`, `width` and `channels`, or in `given` the size that it has in the list";
                    return holds(&what, help);
                }
                let folder = self.folder(data_type)?;
                match options.check() {
                    Ok(()) => {
                        let spec = ContentSpec { options: options.clone(), on_error: self.on_error, folder };
                        Ok(FeatureKind::Image(spec))
                    }
                    Err((_, reason)) => wrong(reason, "see `image` in the documentation of `tensors`"),
                }
            }
            Kind::Audio(options) => {
                if !matches!(data_type, DataType::Binary | DataType::String) {
                    return holds("no sounds", "a sound is a WAV in a binary column, or the path of one");
                }
                let folder = self.folder(data_type)?;
                match options.check() {
                    Ok(()) => {
                        let spec = ContentSpec { options: options.clone(), on_error: self.on_error, folder };
                        Ok(FeatureKind::Audio(spec))
                    }
                    Err((_, reason)) => wrong(reason, "see `audio` in the documentation of `tensors`"),
                }
            }
        }
    }

    /// For a column of paths the folder, which has to be stated.
    fn folder(&self, data_type: &DataType) -> Result<Option<String>, Refused> {
        match (data_type, &self.folder) {
            (DataType::String, None) => {
                let message = "the column holds paths: relative to which folder?".to_owned();
                Err((message, "say `folder: ..`; nothing outside of it is read"))
            }
            (DataType::String, Some(folder)) => Ok(Some(folder.value.clone())),
            _ => Ok(None),
        }
    }

    /// One-hot encodings take the largest vocabulary of the stage unless they have their own.
    fn with_default(&self, encoding: &CategoryEncoding) -> CategoryEncoding {
        match encoding {
            CategoryEncoding::OneHot(one_hot) => {
                let mut one_hot = one_hot.clone();
                one_hot.max_categories.get_or_insert(self.max_categories.value);
                CategoryEncoding::OneHot(one_hot)
            }
            other => other.clone(),
        }
    }

    fn sequence(
        &self,
        options: &SequenceOptions,
        table: &TableShape,
        id: &str,
        targets: &[String],
        findings: &mut Findings,
    ) -> Option<SequenceSpec> {
        let before = findings.len();
        let columns = named(&options.columns);
        let names: Vec<Spanned<String>> = columns.iter().map(|(name, _)| name.clone()).collect();
        match inputs::columns(&table.schema, &names, id) {
            Err(wrong) => findings.extend(wrong),
            Ok(fields) => {
                for (name, field) in names.iter().zip(&fields) {
                    let refused = if !(field.data_type.is_numeric() || field.data_type == DataType::Boolean) {
                        Some((
                            format!("column `{}` holds {}, not numbers", name.value, field.data_type),
                            "derive a number from it",
                        ))
                    } else if options.horizon.value == 0 && targets.contains(&name.value) {
                        let message = format!("`{}` is the target of the last row of the window", name.value);
                        Some((message, "say `horizon: 1`, or take it out of the window"))
                    } else {
                        None
                    };
                    findings.extend(
                        refused.map(|(message, help)| Diagnostic::definition(message).at(&name.place).help(help)),
                    );
                }
            }
        }
        if names.is_empty() {
            findings.push(Diagnostic::definition("`columns` names no column").at(&options.columns.place));
        }
        for (name, scale) in &columns {
            let wrong = scale.as_ref().and_then(|scale| scale.check().err());
            findings.extend(wrong.map(|reason| Diagnostic::definition(reason).at(&name.place)));
        }
        let mut ordering = options.by.0.clone();
        ordering.push(options.order.clone());
        match inputs::columns(&table.schema, &ordering, id) {
            Err(wrong) => findings.extend(wrong),
            Ok(fields) => {
                for (name, field) in ordering.iter().zip(&fields) {
                    if field.data_type.is_nested() || field.data_type == DataType::Binary {
                        let message = format!("column `{}` holds {}, which has no order", name.value, field.data_type);
                        findings.push(Diagnostic::definition(message).at(&name.place));
                    }
                }
            }
        }
        let (window, horizon) = (&options.window, &options.horizon);
        if !(1..=LONGEST).contains(&window.value) || window.value.saturating_mul(names.len()) > LARGEST_WINDOW {
            let message = format!("`window` is a number of rows from 1 to {LONGEST}");
            findings.push(Diagnostic::definition(message).at(&window.place));
        }
        if horizon.value > LONGEST {
            let message = format!("`horizon` is a number of rows from 0 to {LONGEST}");
            findings.push(Diagnostic::definition(message).at(&horizon.place));
        }
        let scale = |own: Option<NumberScale>| own.unwrap_or_else(|| self.number_scale.value.clone());
        (findings.len() == before).then(|| SequenceSpec {
            columns: columns.into_iter().map(|(name, own)| (name.value, scale(own))).collect(),
            by: options.by.iter().map(|name| name.value.clone()).collect(),
            order: options.order.value.clone(),
            window: window.value,
            horizon: horizon.value,
        })
    }

    /// The names of the columns of all features, for warnings.
    pub(super) fn feature_names(&self) -> Vec<Spanned<String>> {
        let (features, sequence) = self.written();
        let mut names: Vec<Spanned<String>> = features.into_iter().map(|(name, _)| name).collect();
        // Earlier rows of the target's column are no answer when the target lies ahead.
        let columns: Option<&Spanned<Columns<NumberScale>>> =
            sequence.filter(|sequence| sequence.horizon.value == 0).map(|sequence| &sequence.columns);
        names.extend(columns.into_iter().flat_map(named).map(|(name, _)| name));
        names
    }
}

/// Places of a list up to which a scale by quantiles is kept for each.
const MOST_SKETCHES: u64 = 256;

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || *data_type == DataType::Boolean
}

/// How many numbers a list of one size has; none for other types.
fn vector(data_type: &DataType) -> Option<u64> {
    data_type.array().filter(|(element, _)| is_number(element)).map(|(_, length)| length)
}

/// A column of lists of so many numbers.
fn vector_feature(field: &Field, scale: &NumberScale, length: u64) -> Result<FeatureKind, Refused> {
    let (name, data_type) = (&field.name, &field.data_type);
    match usize::try_from(length).ok().filter(|length| (1..=LONGEST_VECTOR).contains(length)) {
        None => {
            let message = format!("column `{name}` holds {data_type}, and a list has 1 to {LONGEST_VECTOR} numbers");
            Err((message, "leave it out, or list it under `image`"))
        }
        Some(_) if scale.needs_quantiles() && length > MOST_SKETCHES => {
            let message = format!("column `{name}` holds {data_type}: quantiles of {length} places are too many");
            Err((message, "give it `zscore`, `minmax`, `log1p` or `none`"))
        }
        Some(length) => Ok(FeatureKind::Vector(scale.clone(), length)),
    }
}
