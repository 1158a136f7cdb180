//! The `index.yaml` of a Helm chart repository.
//!
//! It is read event by event and never held as a tree: it is somebody else's, long, and asked for one chart only.
//! Source: Helm's "The Chart Repository Guide".

use yaml_rust2::parser::{Event, Parser};

use super::choice::Candidate;

/// How deep an index may nest; a true one has about eight levels.
const MAX_DEPTH: usize = 64;

/// Returns the versions of a chart as candidates, in the order of the index; `None` where it has no such chart.
///
/// What has no version is left out, and an alias says nothing.
///
/// # Errors
/// Why the text is no index.
pub fn versions(index: &str, chart: &str) -> Result<Option<Vec<Candidate>>, String> {
    let mut parser = Parser::new_from_str(index);
    let mut walk = Walk {
        chart,
        ..Walk::default()
    };
    loop {
        let (event, _) = parser.next_token().map_err(|error| error.to_string())?;
        match event {
            Event::Scalar(text, ..) => walk.scalar(text)?,
            Event::Alias(_) => walk.scalar(String::new())?,
            Event::MappingStart(..) => walk.open(Level::Map(None))?,
            Event::SequenceStart(..) => walk.open(Level::List)?,
            Event::MappingEnd | Event::SequenceEnd => walk.close(),
            Event::DocumentEnd | Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart => {}
        }
    }
    if walk.is_index {
        Ok(walk.versions)
    } else {
        Err("it has no `entries`".to_owned())
    }
}

/// Where we are, and what was found.
#[derive(Default)]
struct Walk<'a> {
    chart: &'a str,
    levels: Vec<Level>,
    is_index: bool,
    versions: Option<Vec<Candidate>>,
    version: Option<String>,
    created: Option<String>,
}

/// What we are in.
enum Level {
    /// A mapping, and the key whose value comes next.
    Map(Option<String>),
    /// A list.
    List,
}

impl Walk<'_> {
    fn scalar(&mut self, text: String) -> Result<(), String> {
        match self.levels.last_mut() {
            Some(Level::Map(key @ None)) => *key = Some(text),
            Some(_) => {
                match self.field() {
                    Some("version") => self.version = Some(text),
                    Some("created") => self.created = Some(text),
                    _ => {}
                }
                self.end_value();
            }
            None => return Err("it is no mapping".to_owned()),
        }
        Ok(())
    }

    fn open(&mut self, level: Level) -> Result<(), String> {
        if let Some(Level::Map(None)) = self.levels.last() {
            return Err("a key in it is no text".to_owned());
        }
        if self.levels.len() == MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
        }
        match (self.levels.as_slice(), &level) {
            ([], Level::List) => return Err("it is no mapping".to_owned()),
            ([Level::Map(Some(key))], Level::Map(_)) if key == "entries" => self.is_index = true,
            ([Level::Map(Some(_)), Level::Map(Some(chart))], Level::List)
                if self.is_index && chart == self.chart =>
            {
                self.versions.get_or_insert_default();
            }
            _ => {}
        }
        self.levels.push(level);
        Ok(())
    }

    fn close(&mut self) {
        self.levels.pop();
        if self.is_among_versions() {
            let created = self.created.take();
            let version = self.version.take().filter(|version| !version.is_empty());
            if let (Some(tag), Some(versions)) = (version, &mut self.versions) {
                versions.push(Candidate {
                    tag,
                    built: created.and_then(|created| created.parse().ok()),
                });
            }
        }
        self.end_value();
    }

    fn end_value(&mut self) {
        if let Some(Level::Map(key)) = self.levels.last_mut() {
            *key = None;
        }
    }

    /// Whether we are in the list of the chart's versions.
    fn is_among_versions(&self) -> bool {
        match self.levels.as_slice() {
            [Level::Map(Some(entries)), Level::Map(Some(chart)), Level::List] => {
                entries == "entries" && chart == self.chart
            }
            _ => false,
        }
    }

    /// The field of a version of the chart whose value comes next.
    fn field(&self) -> Option<&str> {
        match self.levels.as_slice() {
            [
                Level::Map(Some(entries)),
                Level::Map(Some(chart)),
                Level::List,
                Level::Map(Some(field)),
            ] if entries == "entries" && chart == self.chart => Some(field),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chart: &str, yaml: &str) -> Result<Option<Vec<String>>, String> {
        let found = versions(yaml, chart)?;
        Ok(found.map(|all| all.into_iter().map(|one| one.tag).collect()))
    }

    #[test]
    fn one_chart_is_read_and_what_is_odd_about_others_does_not_matter() {
        let index = "\
apiVersion: v1
entries:
  other: 7
  web:
  - version: 1.2.3
    created: \"2026-11-20T10:00:00Z\"
    annotations: {version: 9.9.9}
    dependencies:
    - version: 8.8.8
  - name: without
    urls: [a, b]
  - version: 1.2.4+build
  empty: []
generated: now
";
        assert_eq!(read("web", index).unwrap().unwrap(), ["1.2.3", "1.2.4+build"]);
        assert_eq!(read("empty", index).unwrap().unwrap(), [""; 0]);
        assert_eq!(read("none", index).unwrap(), None);
        assert_eq!(read("other", index).unwrap(), None);
        let found = versions(index, "web").unwrap().unwrap();
        assert!(found[0].built.is_some() && found[1].built.is_none());
        let json = r#"{"apiVersion":"v1","entries":{"web":[{"version":"1.0.0"}]}}"#;
        assert_eq!(read("web", json).unwrap().unwrap(), ["1.0.0"]);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for bad in [
            "",
            "[]",
            "x",
            "a: 1",
            "entries: 7",
            "<html></html>",
            "entries: {web: [{version: \"1",
            "? [a]\n: b\nentries: {}",
            "x: {entries: {web: [{version: 1.0.0}]}}",
        ] {
            assert!(read("web", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_index_that_is_made_to_be_slow_is_not() {
        let many = 200_000;
        for hostile in [
            "[".repeat(many),
            format!("entries: {}", "[".repeat(many)),
            format!("entries: {}", "{a: ".repeat(many)),
            format!("entries:\n{}", "- ".repeat(many)),
        ] {
            assert!(read("web", &hostile).is_err());
        }
        // Each would be a thousand of the one before it.
        let mut doubling = "a0: &a0 [x]\n".to_owned();
        for at in 1..30 {
            let aliases = format!("*a{},", at - 1).repeat(1000);
            doubling.extend([format!("a{at}: &a{at} [{aliases}]\n")]);
        }
        doubling.push_str("entries: {web: [{version: *a0}]}\n");
        assert_eq!(read("web", &doubling).unwrap().unwrap(), [""; 0]);
    }
}
