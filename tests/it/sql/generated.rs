//! Statements made at random, which mean the same to every engine.
//!
//! They stand on two small tables full of nulls, reuse the same few names at every level, and leave
//! no order open: rows are compared as a bag, and whatever takes the first few has ordered by all.

use crate::dice::Dice;

/// The tables that each statement begins with, cut out of what the directory has.
const TABLES: &str = "WITH t AS (SELECT length(city) % 5 AS a, length(jobTitle) % 4 AS b, \
    length(department) % 3 AS c, accountEnabled AS f, department AS s FROM users), \
    u AS (SELECT length(mail) % 5 AS a, length(description) % 4 AS b, \
    length(displayName) % 3 AS c, mailEnabled AS f, visibility AS s FROM groups) ";

/// How deep statements and expressions nest.
const DEPTH: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Flag,
    Text,
}

/// A column that may be named, qualified where it has to be.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    ty: Type,
}

/// A query and the columns that it gives.
struct Query {
    text: String,
    columns: Vec<Column>,
}

/// The statement of this seed.
pub(super) fn statement(seed: u64) -> String {
    let mut maker = Maker { dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), tables: 0 };
    maker.dice.below(2);
    let query = maker.query(DEPTH, &[]);
    format!("{TABLES}{}", query.text)
}

struct Maker {
    dice: Dice,
    /// Numbers the names of tables.
    tables: usize,
}

impl Maker {
    fn one_in(&mut self, n: usize) -> bool {
        self.dice.below(n) == 0
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.dice.below(all.len())]
    }

    fn alias(&mut self) -> String {
        self.tables += 1;
        format!("q{}", self.tables)
    }

    /// A query; of these types if any are named.
    fn query(&mut self, depth: usize, types: &[Type]) -> Query {
        let query = match self.dice.below(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => self.select(depth, types, ""),
            2 => self.select(depth, types, "DISTINCT "),
            3 => self.grouped(depth, types),
            4 => self.windowed(depth, types),
            5 | 6 => self.stacked(depth, types),
            _ => self.set_operation(depth, types),
        };
        if !self.one_in(8) {
            return query;
        }
        let order: Vec<String> =
            (1..=query.columns.len()).map(|at| format!("{at} NULLS FIRST")).collect();
        let (rows, skipped) = (1 + self.dice.below(6), self.dice.below(3));
        let from = format!("SELECT * FROM ({}) AS {}", query.text, self.alias());
        let text = format!("{from} ORDER BY {} LIMIT {rows} OFFSET {skipped}", order.join(", "));
        Query { text: format!("SELECT * FROM ({text}) AS {}", self.alias()), ..query }
    }

    fn types(&mut self, types: &[Type]) -> Vec<Type> {
        if !types.is_empty() {
            return types.to_vec();
        }
        let mut types = vec![Type::Number];
        for ty in [Type::Number, Type::Number, Type::Flag, Type::Text] {
            if self.one_in(3) {
                types.push(ty);
            }
        }
        types
    }

    /// What a list of columns is called: the same few names everywhere.
    fn named(&mut self, types: &[Type]) -> Vec<Column> {
        let mut numbers = ["a", "b", "c", "d", "e"].into_iter();
        let mut flags = ["f", "g", "h"].into_iter();
        let mut texts = ["s", "r", "q"].into_iter();
        let mut name = |ty: &Type| match ty {
            Type::Number => numbers.next().expect("a name"),
            Type::Flag => flags.next().expect("a name"),
            Type::Text => texts.next().expect("a name"),
        };
        types.iter().map(|ty| Column { name: name(ty).to_owned(), ty: *ty }).collect()
    }

    fn listed(&mut self, scope: &[Column], columns: &[Column], depth: usize) -> String {
        let items = columns
            .iter()
            .map(|column| format!("{} AS {}", self.expr(column.ty, scope, depth), column.name));
        items.collect::<Vec<_>>().join(", ")
    }

    fn select(&mut self, depth: usize, types: &[Type], distinct: &str) -> Query {
        let types = self.types(types);
        let columns = self.named(&types);
        let (from, scope) = self.from(depth);
        let items = self.listed(&scope, &columns, depth.min(2));
        let filter = self.filter(&scope, depth);
        Query { text: format!("SELECT {distinct}{items} FROM {from}{filter}"), columns }
    }

    /// Projections on one another, with names that mean another thing at each level.
    fn stacked(&mut self, depth: usize, types: &[Type]) -> Query {
        let mut query = self.query(depth - 1, types);
        for _ in 0..=self.dice.below(3) {
            let scope = query.columns.clone();
            let step = self.dice.below(3);
            let alias =
                if self.one_in(2) { format!(" AS {}", self.alias()) } else { String::new() };
            // Columns of a table without a name cannot be told from those of a subquery.
            let depth = usize::from(!alias.is_empty());
            let items = scope.iter().map(|column| match column.ty {
                Type::Number if step < 2 => format!("{0} + 1 AS {0}", column.name),
                Type::Text if step < 1 => format!("{0} || 'x' AS {0}", column.name),
                Type::Flag if step < 1 => format!("NOT {0} AS {0}", column.name),
                ty if step == 2 => format!("{} AS {}", self.expr(ty, &scope, depth), column.name),
                _ => column.name.clone(),
            });
            let items = items.collect::<Vec<_>>().join(", ");
            let filter = if self.one_in(3) { self.filter(&scope, depth) } else { String::new() };
            query.text = format!("SELECT {items} FROM ({}){alias}{filter}", query.text);
        }
        query
    }

    fn grouped(&mut self, depth: usize, types: &[Type]) -> Query {
        let types = self.types(types);
        let columns = self.named(&types);
        let (from, scope) = self.from(depth);
        let keys = self.dice.below(columns.len().min(2) + 1);
        let items = columns.iter().enumerate().map(|(at, column)| match at < keys {
            true => format!("{} AS {}", self.expr(column.ty, &scope, 1), column.name),
            false => format!("{} AS {}", self.aggregate(column.ty, &scope), column.name),
        });
        let items = items.collect::<Vec<_>>().join(", ");
        let filter = self.filter(&scope, depth);
        let keys: Vec<String> = (1..=keys).map(|at| at.to_string()).collect();
        let group =
            if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
        let having = match self.dice.below(3) {
            0 => format!(" HAVING count(*) > {}", self.dice.below(3)),
            _ => String::new(),
        };
        Query { text: format!("SELECT {items} FROM {from}{filter}{group}{having}"), columns }
    }

    fn aggregate(&mut self, ty: Type, scope: &[Column]) -> String {
        let call = match (ty, self.dice.below(5)) {
            (Type::Number, 0) => "count(*)".to_owned(),
            (Type::Number, 1) => format!("count(DISTINCT {})", self.expr(Type::Number, scope, 1)),
            (Type::Number, 2) => format!("count({})", self.expr(Type::Text, scope, 1)),
            (Type::Number, 3) => {
                format!("CAST(sum({}) AS BIGINT)", self.expr(Type::Number, scope, 1))
            }
            (Type::Flag, _) => {
                format!("{}({})", self.pick(&["bool_and", "bool_or"]), self.cond(scope, 1))
            }
            _ => format!("{}({})", self.pick(&["min", "max"]), self.expr(ty, scope, 1)),
        };
        let filterable = !call.starts_with("CAST");
        if filterable && self.one_in(5) {
            return format!("{call} FILTER (WHERE {})", self.cond(scope, 1));
        }
        call
    }

    fn windowed(&mut self, depth: usize, types: &[Type]) -> Query {
        let types = self.types(types);
        let columns = self.named(&types);
        let (from, scope) = self.from(depth - 1);
        let items = columns.iter().map(|column| match column.ty {
            Type::Number => format!("{} AS {}", self.window(&scope), column.name),
            ty => format!("{} AS {}", self.expr(ty, &scope, 1), column.name),
        });
        let items = items.collect::<Vec<_>>().join(", ");
        let filter = self.filter(&scope, depth - 1);
        Query { text: format!("SELECT {items} FROM {from}{filter}"), columns }
    }

    fn window(&mut self, scope: &[Column]) -> String {
        let call = match self.dice.below(5) {
            0 => "rank()".to_owned(),
            1 => "dense_rank()".to_owned(),
            2 => "count(*)".to_owned(),
            3 => format!("max({})", self.expr(Type::Number, scope, 1)),
            _ => format!("count({})", self.expr(Type::Text, scope, 1)),
        };
        let part = match self.one_in(2) {
            true => format!("PARTITION BY {} ", self.expr(Type::Number, scope, 1)),
            false => String::new(),
        };
        let order = format!(
            "ORDER BY {}{} NULLS {}",
            self.expr(Type::Number, scope, 0),
            self.pick(&["", " DESC"]),
            self.pick(&["FIRST", "LAST"])
        );
        format!("{call} OVER ({part}{order})")
    }

    fn set_operation(&mut self, depth: usize, types: &[Type]) -> Query {
        let types = self.types(types);
        let (left, right) = (self.query(depth - 1, &types), self.query(depth - 1, &types));
        let word = self.pick(&[
            "UNION",
            "UNION ALL",
            "EXCEPT",
            "INTERSECT",
            "EXCEPT ALL",
            "INTERSECT ALL",
        ]);
        let columns = self.named(&types);
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let (left, right) = (self.renamed(left, &names), self.renamed(right, &names));
        Query { text: format!("{left} {word} {right}"), columns }
    }

    fn renamed(&mut self, query: Query, names: &[&str]) -> String {
        let items = query.columns.iter().zip(names);
        let items: Vec<_> =
            items.map(|(column, name)| format!("{} AS {name}", column.name)).collect();
        format!("SELECT {} FROM ({}) AS {}", items.join(", "), query.text, self.alias())
    }

    /// A `FROM`, and what it lets one name.
    fn from(&mut self, depth: usize) -> (String, Vec<Column>) {
        let (mut text, mut scope) = self.table(depth);
        if depth > 0 && self.one_in(3) {
            let word = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
            let (other, columns) = self.table(depth - 1);
            let on = self.equal(&scope, &columns);
            let both: Vec<Column> = scope.iter().chain(&columns).cloned().collect();
            // What a full join has besides an equality is not every engine's.
            let also = match word == "FULL JOIN" || !self.one_in(3) {
                true => String::new(),
                false => format!(" AND {}", self.compared(&both, 0)),
            };
            text = format!("{text} {word} {other} ON {on}{also}");
            scope = both;
        }
        (text, scope)
    }

    fn table(&mut self, depth: usize) -> (String, Vec<Column>) {
        let alias = self.alias();
        let (text, columns) = if depth > 0 && self.one_in(3) {
            let query = self.query(depth - 1, &[]);
            (format!("({}) AS {alias}", query.text), query.columns)
        } else {
            let types = [Type::Number, Type::Number, Type::Number, Type::Flag, Type::Text];
            (format!("{} AS {alias}", self.pick(&["t", "u"])), self.named(&types))
        };
        let qualified = columns.into_iter();
        let qualified =
            qualified.map(|it| Column { name: format!("{alias}.{}", it.name), ty: it.ty });
        (text, qualified.collect())
    }

    fn equal(&mut self, left: &[Column], right: &[Column]) -> String {
        let (left, right) = (self.column(Type::Number, left), self.column(Type::Number, right));
        match (left, right) {
            (Some(left), Some(right)) => format!("{left} = {right}"),
            _ => "true".to_owned(),
        }
    }

    fn column(&mut self, ty: Type, scope: &[Column]) -> Option<String> {
        let fit: Vec<_> = scope.iter().filter(|column| column.ty == ty).collect();
        (!fit.is_empty()).then(|| fit[self.dice.below(fit.len())].name.clone())
    }

    fn filter(&mut self, scope: &[Column], depth: usize) -> String {
        match self.one_in(3) {
            true => String::new(),
            false => format!(" WHERE {}", self.cond(scope, depth)),
        }
    }

    fn literal(&mut self, ty: Type) -> String {
        match (ty, self.dice.below(6)) {
            (Type::Number, 0) => "CAST(NULL AS INT)".to_owned(),
            (Type::Number, _) => self.dice.below(5).to_string(),
            (Type::Flag, _) => self.pick(&["true", "false", "CAST(NULL AS BOOLEAN)"]).to_owned(),
            (Type::Text, 0) => "CAST(NULL AS VARCHAR)".to_owned(),
            (Type::Text, _) => self.pick(&["'Sales'", "'Private'", "'x'", "''"]).to_owned(),
        }
    }

    fn expr(&mut self, ty: Type, scope: &[Column], depth: usize) -> String {
        if depth == 0 || self.one_in(2) {
            let column = if self.one_in(8) { None } else { self.column(ty, scope) };
            return column.unwrap_or_else(|| self.literal(ty));
        }
        let below = depth - 1;
        match (ty, self.dice.below(6)) {
            (Type::Flag, _) => format!("({})", self.cond(scope, below)),
            (_, 0 | 1) => format!(
                "CASE WHEN {} THEN {} ELSE {} END",
                self.cond(scope, below),
                self.expr(ty, scope, below),
                self.expr(ty, scope, below)
            ),
            (_, 2) => {
                let word = self.pick(&["coalesce", "nullif"]);
                format!("{word}({}, {})", self.expr(ty, scope, below), self.expr(ty, scope, below))
            }
            (Type::Number, 3) => self.scalar(scope, below),
            (Type::Number, _) => format!(
                "({} {} {})",
                self.expr(ty, scope, below),
                self.pick(&["+", "-"]),
                self.expr(ty, scope, below)
            ),
            (Type::Text, 3) => format!("upper({})", self.expr(ty, scope, below)),
            (Type::Text, _) => format!("({} || 'x')", self.expr(ty, scope, below)),
        }
    }

    /// A subquery of one value.
    fn scalar(&mut self, scope: &[Column], depth: usize) -> String {
        let (from, inner) = self.from(depth);
        let call = self.pick(&["count(*)", "max", "min", "count"]);
        let call = match call {
            "count(*)" => call.to_owned(),
            _ => format!("{call}({})", self.expr(Type::Number, &inner, 0)),
        };
        let filter = match self.one_in(2) {
            true => format!(" WHERE {}", self.equal(&inner, scope)),
            false => self.filter(&inner, depth),
        };
        format!("(SELECT {call} FROM {from}{filter})")
    }

    /// A subquery of many rows, which may depend on the outer one.
    fn rows(&mut self, scope: &[Column], depth: usize) -> String {
        let (from, inner) = self.from(depth);
        let item = self.expr(Type::Number, &inner, depth);
        let own = self.cond(&inner, depth);
        let filter = match self.dice.below(5) {
            0 => String::new(),
            1 | 2 => format!(" WHERE {own}"),
            3 => format!(" WHERE {} AND {own}", self.equal(&inner, scope)),
            _ => match (self.column(Type::Number, &inner), self.column(Type::Number, scope)) {
                (Some(one), Some(other)) => format!(" WHERE {one} < {other}"),
                _ => String::new(),
            },
        };
        let distinct = if self.one_in(6) { "DISTINCT " } else { "" };
        format!("SELECT {distinct}{item} FROM {from}{filter}")
    }

    fn cond(&mut self, scope: &[Column], depth: usize) -> String {
        if depth == 0 {
            return self.compared(scope, 0);
        }
        let below = depth - 1;
        match self.dice.below(12) {
            0 | 1 => format!("({} OR {})", self.cond(scope, below), self.cond(scope, below)),
            2 => format!("({} AND {})", self.cond(scope, below), self.cond(scope, below)),
            3 => format!("NOT ({})", self.cond(scope, below)),
            4 => {
                let how = self.pick(&["IS NULL", "IS NOT TRUE", "IS NOT NULL", "IS FALSE"]);
                format!("({}) {how}", self.cond(scope, below))
            }
            5 | 6 => {
                let sought = self.expr(Type::Number, scope, 1);
                let how = self.pick(&["IN", "NOT IN", "NOT IN", "= ANY", "<> ALL", "> ALL"]);
                format!("{sought} {how} ({})", self.rows(scope, below))
            }
            7 => {
                let word = self.pick(&["EXISTS", "NOT EXISTS"]);
                format!("{word} ({})", self.rows(scope, below))
            }
            _ => self.compared(scope, below),
        }
    }

    fn compared(&mut self, scope: &[Column], depth: usize) -> String {
        let ty = if self.one_in(4) { Type::Text } else { Type::Number };
        let one = self.expr(ty, scope, depth.min(1));
        match self.dice.below(8) {
            0 => format!("{one} {}", self.pick(&["IS NULL", "IS NOT NULL"])),
            1 => {
                let word = self.pick(&["IN", "NOT IN"]);
                let items = [self.literal(ty), self.literal(ty), self.literal(ty)];
                format!("{one} {word} ({})", items.join(", "))
            }
            2 => format!("{one} BETWEEN {} AND {}", self.literal(ty), self.expr(ty, scope, 0)),
            3 if ty == Type::Text => format!("{one} LIKE '%{}%'", self.pick(&["a", "S", "x_"])),
            3 => self.column(Type::Flag, scope).unwrap_or_else(|| "true".to_owned()),
            4 => {
                let word = self.pick(&["IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
                format!("{one} {word} {}", self.expr(ty, scope, 0))
            }
            _ => {
                let how = self.pick(&["=", "<>", "<", ">="]);
                format!("{one} {how} {}", self.expr(ty, scope, depth.min(1)))
            }
        }
    }
}
