//! Aggregates and window functions: `filter`, `distinct`, `order by` and `over`.

use sqlparser::ast::{self, WindowFrameBound, WindowFrameUnits, WindowType};

use super::calls::Arguments;
use super::{Binder, Inside, display_name};
use crate::expression::coercion::is_ordered;
use crate::expression::{
    Aggregate, Expr, ExprKind, ExpressionError, Family, Frame, Function, SortKey, Span, Window, compose,
};

impl Binder<'_> {
    pub(super) fn aggregate(
        &mut self,
        function: Function,
        call: &ast::Function,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Expr> {
        let function = match function {
            Function::Count if arguments.star || arguments.values.is_empty() => Function::CountAll,
            other => other,
        };
        self.check_clauses(function, call, arguments, span)?;
        let outside = self.enter(function, call.over.is_some(), span)?;
        let values = self.exprs(arguments.values.iter().copied());
        let filter = call.filter.as_ref().map(|filter| self.filter(filter));
        let order_by = self.sort_keys(arguments.order_by);
        let over = call.over.as_ref().map(|over| self.over(function, over, span));
        self.inside = outside;
        let (filter, over) = (filter.map_or(Some(None), |f| f.map(Some))?, over.map_or(Some(None), |o| o.map(Some))?);
        let expr = self.check(compose::call(function, values?, span))?;
        let ExprKind::Aggregate(aggregate) = expr.kind else { return None };
        let aggregate = Aggregate { distinct: arguments.distinct, filter, order_by: order_by?, over, ..*aggregate };
        Some(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), ..expr })
    }

    /// Refuses what the function has no use for.
    fn check_clauses(
        &mut self,
        function: Function,
        call: &ast::Function,
        arguments: &Arguments,
        span: Span,
    ) -> Option<()> {
        let name = function.name();
        let is_window = function.family() == Family::Window;
        let problem = if arguments.star && function != Function::CountAll {
            Some(format!("`{name}` takes a value, not `*`"))
        } else if !call.within_group.is_empty() {
            Some(format!("`within group` cannot be used: write {name}(x, ..)"))
        } else if call.null_treatment.is_some() {
            Some("`ignore nulls` and `respect nulls` cannot be used in an expression".to_owned())
        } else if is_window && call.over.is_none() {
            Some(format!("`{name}` needs `over (..)`"))
        } else if is_window && (arguments.distinct || call.filter.is_some() || !arguments.order_by.is_empty()) {
            Some(format!("`{name}` takes no `distinct`, `filter` or `order by` inside its brackets"))
        } else if arguments.distinct && !takes_distinct(function) {
            Some(format!("`{name}` takes no `distinct`"))
        } else if arguments.distinct && call.over.is_some() {
            Some("`distinct` cannot be used over a window".to_owned())
        } else if !arguments.order_by.is_empty() && !takes_order(function) {
            Some(format!("`{name}` takes no `order by`: its value does not depend on the order"))
        } else if !arguments.order_by.is_empty() && call.over.is_some() {
            Some("`order by` stands inside `over (..)` for a window".to_owned())
        } else if arguments.distinct && !arguments.order_by.is_empty() {
            Some("`distinct` and `order by` cannot be used together".to_owned())
        } else {
            None
        };
        match problem {
            None => Some(()),
            Some(message) => {
                self.report(ExpressionError::new(message, span));
                None
            }
        }
    }

    /// Notes that an aggregate's arguments are bound now; refuses aggregates within aggregates.
    fn enter(&mut self, function: Function, over: bool, span: Span) -> Option<Inside> {
        let outside = self.inside;
        let outer = match outside {
            Inside::Nothing => {
                self.inside = if over { Inside::Window(function) } else { Inside::Aggregate(function) };
                return Some(outside);
            }
            Inside::Aggregate(outer) | Inside::Window(outer) => outer,
        };
        self.report(
            ExpressionError::new(format!("`{}` stands inside `{}`", function.name(), outer.name()), span)
                .label("aggregates and window functions cannot be nested")
                .help("compute the inner one in a stage before"),
        );
        None
    }

    fn filter(&mut self, filter: &ast::Expr) -> Option<Expr> {
        let filter = self.expr(filter)?;
        self.check(compose::as_boolean(filter, "filter"))
    }

    fn sort_keys(&mut self, keys: &[ast::OrderByExpr]) -> Option<Vec<SortKey>> {
        let bound: Vec<Option<SortKey>> = keys.iter().map(|key| self.sort_key(key)).collect();
        bound.into_iter().collect()
    }

    /// Nulls come last unless said otherwise, in both directions.
    fn sort_key(&mut self, key: &ast::OrderByExpr) -> Option<SortKey> {
        let expr = self.expr(&key.expr)?;
        if !is_ordered(&expr.data_type) {
            self.report(ExpressionError::new(format!("{} has no order", expr.data_type), expr.span));
            return None;
        }
        if key.with_fill.is_some() {
            self.refuse("`with fill`", expr.span.range());
            return None;
        }
        let descending = match &key.options.sort {
            None | Some(ast::OrderBySort::Asc) => false,
            Some(ast::OrderBySort::Desc) => true,
            Some(ast::OrderBySort::Using(_)) => {
                self.refuse("`order by .. using`", expr.span.range());
                return None;
            }
        };
        Some(SortKey { expr, descending, nulls_first: key.options.nulls_first.unwrap_or(false) })
    }

    fn over(&mut self, function: Function, over: &WindowType, span: Span) -> Option<Window> {
        let spec = match over {
            WindowType::WindowSpec(spec) if spec.window_name.is_none() => spec,
            _ => {
                self.refuse("a named window", span.range());
                return None;
            }
        };
        let (partition_by, order_by) = (self.exprs(&spec.partition_by), self.sort_keys(&spec.order_by));
        let (partition_by, order_by) = (partition_by?, order_by?);
        if let Some(key) = partition_by.iter().find(|key| !is_ordered(&key.data_type)) {
            self.report(ExpressionError::new(format!("{} cannot be partitioned by", key.data_type), key.span));
            return None;
        }
        match frame(function, spec.window_frame.as_ref(), !order_by.is_empty()) {
            Ok(frame) => Some(Window { partition_by, order_by, frame }),
            Err((message, help)) => {
                self.report(ExpressionError::new(message, span).help(help));
                None
            }
        }
    }
}

fn takes_distinct(function: Function) -> bool {
    matches!(
        function,
        Function::Count
            | Function::Sum
            | Function::Mean
            | Function::Min
            | Function::Max
            | Function::List
            | Function::StringAgg
    )
}

fn takes_order(function: Function) -> bool {
    matches!(function, Function::First | Function::Last | Function::List | Function::StringAgg)
}

/// Whether the function depends on the order of the window only, not on a frame.
fn has_no_frame(function: Function) -> bool {
    function.family() == Family::Window
        && !matches!(function, Function::FirstValue | Function::LastValue | Function::NthValue)
}

fn needs_order(function: Function) -> bool {
    matches!(
        function,
        Function::Rank | Function::DenseRank | Function::PercentRank | Function::CumeDist | Function::Ntile
    )
}

/// Whether the function can be computed for a frame that grows with each row.
fn runs(function: Function) -> bool {
    matches!(
        function,
        Function::Count
            | Function::CountAll
            | Function::CountIf
            | Function::Sum
            | Function::Mean
            | Function::Min
            | Function::Max
            | Function::First
            | Function::Last
            | Function::BoolAnd
            | Function::BoolOr
            | Function::FirstValue
            | Function::LastValue
            | Function::NthValue
    )
}

/// The frame that was written or that the standard gives; a message and advice when there is no such frame here.
fn frame(
    function: Function,
    written: Option<&ast::WindowFrame>,
    ordered: bool,
) -> Result<Frame, (String, &'static str)> {
    let name = display_name(function);
    if needs_order(function) && !ordered {
        return Err((format!("`{name}` needs an order"), "write `order by` inside `over (..)`"));
    }
    if has_no_frame(function) {
        return match written {
            None => Ok(Frame::Partition),
            Some(_) => Err((format!("`{name}` takes no frame"), "leave out `rows ..`")),
        };
    }
    let frame = match written {
        None if ordered => Frame::ToCurrentRow,
        None => Frame::Partition,
        Some(frame) => match (&frame.units, &frame.start_bound, &frame.end_bound) {
            (_, WindowFrameBound::Preceding(None), Some(WindowFrameBound::Following(None))) => Frame::Partition,
            (WindowFrameUnits::Rows, WindowFrameBound::Preceding(None), None | Some(WindowFrameBound::CurrentRow)) => {
                Frame::ToCurrentRow
            }
            _ => {
                return Err((
                    format!("this frame of `{}` cannot be used", name),
                    "the frames are `rows between unbounded preceding and current row` and `rows between unbounded preceding and unbounded following`",
                ));
            }
        },
    };
    if frame == Frame::ToCurrentRow && !ordered {
        return Err(("a frame up to the current row needs an order".to_owned(), "write `order by` inside `over (..)`"));
    }
    if frame == Frame::ToCurrentRow && !runs(function) {
        return Err((
            format!("`{name}` cannot run along an order"),
            "leave out `order by`, or write `rows between unbounded preceding and unbounded following`",
        ));
    }
    Ok(frame)
}
