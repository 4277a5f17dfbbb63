//! SQL text to syntax: sqlparser behind limits, with places in bytes.

use std::ops::Range;

use sqlparser::ast::{self, Spanned};
use sqlparser::dialect::{Dialect, DuckDbDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::ExpressionError;

/// Longest text in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of brackets and `case`, and most signs and `not` before one value.
const MAX_NESTING: usize = 64;
/// Most tokens, where the elements of lists count less: see [`weight`].
const MAX_TOKENS: usize = 4000;
/// Deepest recursion of the parser: what the limits above leave is far from it, unless somebody mixes them on purpose.
const MAX_RECURSION: usize = 400;

/// The syntax of one scalar expression, not yet bound to columns and types.
#[derive(Debug, Clone)]
pub struct Syntax {
    root: ast::Expr,
    places: Places,
    text: String,
}

impl Syntax {
    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn root(&self) -> &ast::Expr {
        &self.root
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }
}

/// Parses one scalar expression.
///
/// The text is at most 64 KiB, brackets and `case` are nested at most 64 deep, and it has at most 4000 tokens (the elements of a
/// list of literals do not count), so that no text can exhaust the stack.
///
/// Errors: what the parser expected, with the place.
pub fn parse(text: &str) -> Result<Syntax, ExpressionError> {
    if text.len() > MAX_BYTES {
        let message = format!("the expression has {} bytes; at most {MAX_BYTES} are allowed", text.len());
        return Err(ExpressionError::new(message, 0..text.len()));
    }
    let mut places = Places::new(text);
    let tokens = Tokenizer::new(&Sql, text).tokenize_with_location().map_err(|error| {
        let at = places.byte(error.location);
        ExpressionError::new(lower_first(&error.message), at..text.len().max(at))
    })?;
    let tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)).collect();
    let Some(first) = tokens.first() else {
        return Err(ExpressionError::new("the expression is empty", 0..text.len()));
    };
    if let Token::Word(word) = &first.token
        && word.quote_style.is_none()
        && ["select", "with", "insert", "update", "delete"].iter().any(|query| word.value.eq_ignore_ascii_case(query))
        && tokens.len() > 1
    {
        return Err(ExpressionError::new("a query is no expression", places.range(first.span))
            .help("write one expression over the columns of the stage's input"));
    }
    places.read_brackets(&tokens)?;
    if weight(&tokens) > MAX_TOKENS {
        let message = format!("the expression is too long: it has more than {MAX_TOKENS} words and signs");
        return Err(ExpressionError::new(message, 0..text.len()));
    }
    let mut parser = Parser::new(&Sql).with_recursion_limit(MAX_RECURSION).with_tokens_with_locations(tokens);
    let root = parser.parse_expr().map_err(|error| places.error(&error, text))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let what = next.token.to_string();
        return Err(ExpressionError::new(
            format!("unexpected `{what}` behind the expression"),
            places.range(next.span),
        ));
    }
    Ok(Syntax { root, places, text: text.to_owned() })
}

/// How much there is to parse: every token, but not the commas and the literals behind them, because the elements of a list
/// stand beside each other and not within each other.
fn weight(tokens: &[TokenWithSpan]) -> usize {
    let mut after_comma = false;
    let mut weight = 0;
    for token in tokens {
        let literal = matches!(token.token, Token::SingleQuotedString(_) | Token::Number(..));
        let comma = token.token == Token::Comma;
        weight += usize::from(!(comma || literal && after_comma));
        after_comma = comma;
    }
    weight
}

/// Whether the parser goes one level deeper behind the token.
fn is_prefix(token: &Token) -> bool {
    match token {
        Token::Plus | Token::Minus | Token::Tilde => true,
        Token::Word(word) => matches!(word.keyword, Keyword::NOT | Keyword::INTERVAL),
        _ => false,
    }
}

/// The dialect of expressions: DuckDB's, without what belongs to other dialects.
#[derive(Debug)]
struct Sql;

impl Dialect for Sql {
    fn dialect(&self) -> std::any::TypeId {
        // Some rules of sqlparser, such as `//`, ask for the dialect by name.
        std::any::TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_in_empty_list(&self) -> bool {
        true
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        // Else a mistake behind one of these words would be told as an unknown column of that name.
        matches!(
            keyword,
            Keyword::NOT | Keyword::CASE | Keyword::CAST | Keyword::TRY_CAST | Keyword::EXTRACT | Keyword::EXISTS
        )
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        // As in PostgreSQL and DuckDB, `||` binds less tightly than `+`: 1 + 2 || 'a' is (1 + 2) || 'a'.
        match parser.peek_token_ref().token {
            Token::StringConcat => Some(Ok(self.prec_value(Precedence::PgOther))),
            _ => None,
        }
    }
}

/// Where things stand in the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// Byte offset of each character, and of the end.
    characters: Vec<usize>,
    /// Number of the first character of each line.
    lines: Vec<usize>,
    /// Bytes from each opening bracket to behind its closing one, and of the word before it, ordered by the opening one.
    brackets: Vec<Bracket>,
}

#[derive(Debug, Clone)]
struct Bracket {
    inner: Range<usize>,
    word: Option<usize>,
}

impl Places {
    fn new(text: &str) -> Self {
        let mut places = Self { lines: vec![0], ..Self::default() };
        for (number, (offset, character)) in text.char_indices().enumerate() {
            places.characters.push(offset);
            if character == '\n' {
                places.lines.push(number + 1);
            }
        }
        places.characters.push(text.len());
        places
    }

    /// The byte at which the tokenizer's line and column stand.
    fn byte(&self, location: Location) -> usize {
        let end = self.characters.last().copied().unwrap_or_default();
        let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let line = self.lines.get(index(location.line)).copied().unwrap_or(usize::MAX);
        self.characters.get(line.saturating_add(index(location.column))).copied().unwrap_or(end)
    }

    /// Bytes of a span of the tokenizer.
    pub(super) fn range(&self, span: sqlparser::tokenizer::Span) -> Range<usize> {
        let start = self.byte(span.start);
        start..self.byte(span.end).max(start)
    }

    /// Notes all pairs of brackets.
    ///
    /// Errors: brackets or `case` nested too deeply, too many signs in a row. Brackets without a partner are left to the
    /// parser.
    fn read_brackets(&mut self, tokens: &[TokenWithSpan]) -> Result<(), ExpressionError> {
        let too_deep = |what: &str, range| {
            Err(ExpressionError::new(format!("{what} more than {MAX_NESTING} deep"), range).label("one too many"))
        };
        let mut open: Vec<usize> = Vec::new();
        let mut cases = 0_usize;
        let mut prefixes = 0_usize;
        for (number, token) in tokens.iter().enumerate() {
            let range = self.range(token.span);
            prefixes = if is_prefix(&token.token) { prefixes + 1 } else { 0 };
            match &token.token {
                Token::LParen | Token::LBracket | Token::LBrace => {
                    let before = number.checked_sub(1).and_then(|before| tokens.get(before));
                    let word = before
                        .filter(|before| matches!(before.token, Token::Word(_)))
                        .map(|before| self.byte(before.span.start));
                    open.push(self.brackets.len());
                    self.brackets.push(Bracket { inner: range.clone(), word });
                }
                Token::RParen | Token::RBracket | Token::RBrace => {
                    if let Some(bracket) = open.pop().and_then(|opened| self.brackets.get_mut(opened)) {
                        bracket.inner.end = range.end;
                    }
                }
                Token::Word(word) if word.keyword == Keyword::CASE => cases += 1,
                Token::Word(word) if word.keyword == Keyword::END => cases = cases.saturating_sub(1),
                _ => {}
            }
            if open.len() > MAX_NESTING {
                return too_deep("brackets are nested", range);
            }
            if cases > MAX_NESTING {
                return too_deep("`case` is nested", range);
            }
            if prefixes > MAX_NESTING {
                return too_deep("signs and `not` are nested", range);
            }
        }
        Ok(())
    }

    /// Bytes of a node, as far as sqlparser knows them; the whole text when it knows nothing.
    pub(super) fn of(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        if span.start.line == 0 {
            return 0..self.characters.last().copied().unwrap_or_default();
        }
        self.range(span)
    }

    /// From the start of a name to behind the bracket that closes its arguments.
    pub(super) fn call(&self, name: Range<usize>) -> Range<usize> {
        let at = self.brackets.partition_point(|bracket| bracket.inner.start < name.end);
        match self.brackets.get(at) {
            Some(bracket) if bracket.word == Some(name.start) => name.start..bracket.inner.end,
            _ => name,
        }
    }

    /// The innermost pair of brackets around a range, with the word before it (`cast(..)`); the range itself without one.
    pub(super) fn around(&self, inner: Range<usize>) -> Range<usize> {
        let holds = |bracket: &&Bracket| bracket.inner.start < inner.start && inner.end < bracket.inner.end;
        let last = self.brackets.partition_point(|bracket| bracket.inner.start < inner.start);
        match self.brackets.iter().take(last).rev().find(holds) {
            Some(bracket) => bracket.word.unwrap_or(bracket.inner.start)..bracket.inner.end,
            None => inner,
        }
    }

    fn error(&self, error: &ParserError, text: &str) -> ExpressionError {
        let message = match error {
            ParserError::RecursionLimitExceeded => {
                return ExpressionError::new("the expression is nested too deeply", 0..text.len());
            }
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        };
        let (message, location) = split_location(message);
        let end = text.trim_end().len();
        let at = location.map_or(end, |location| self.byte(location));
        let found = word_at(text.get(at..).unwrap_or_default());
        let message = match message.strip_prefix("Expected: ") {
            Some(expected) => {
                format!("expected {}", expected.replace("found: EOF", "found the end").replace("found: ", "found "))
            }
            None if message.starts_with("No infix parser") => format!("unexpected `{found}`"),
            None => lower_first(message),
        };
        ExpressionError::new(message, at..at + found.len())
    }
}

/// The word or the signs with which a text begins.
fn word_at(text: &str) -> &str {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let Some(first) = text.chars().next() else { return text };
    let same = |c: char| if is_word(first) { is_word(c) } else { c == first };
    let end = text.char_indices().find(|(_, c)| !same(*c)).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Splits ` at Line: 1, Column: 5` from the end of sqlparser's messages.
fn split_location(message: &str) -> (&str, Option<Location>) {
    let Some((before, after)) = message.rsplit_once(" at Line: ") else { return (message, None) };
    let location = after.split_once(", Column: ").and_then(|(line, column)| {
        Some(Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    (before, location)
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
