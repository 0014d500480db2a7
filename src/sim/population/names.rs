//! Names of people in several scripts, each with the Latin spelling that its addresses use.
//!
//! Shown names are kept as they stand in JSON; none here needs an escape.

use super::chance::{below, pick, turned};

/// A name as shown and as spelled in addresses: lower-case ASCII without digits.
pub(super) type Name = (&'static str, &'static str);

/// The names of one script.
#[derive(Debug)]
pub(super) struct Script {
    given: &'static [Name],
    family: &'static [Name],
    family_first: bool,
}

/// What a person is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    roll: u64,
    pub(super) given: Name,
    pub(super) family: Name,
    pub(super) family_first: bool,
}

/// Longest spelling of a given or a family name, in bytes.
pub(super) const SPELLING_BYTES_MAX: usize = 16;

/// Of 64 people so many have their name from each script, in the order of `SCRIPTS`.
const SHARES: [u64; 11] = [40, 10, 3, 1, 1, 1, 3, 2, 1, 1, 1];

/// The name that goes with a roll.
pub(super) fn person(roll: u64) -> Person {
    let mut place = below(roll, 64);
    let mut script = &SCRIPTS[0];
    for (candidate, share) in SCRIPTS.iter().zip(SHARES) {
        script = candidate;
        if place < share {
            break;
        }
        place -= share;
    }
    Person {
        roll,
        given: *pick(roll << 8, script.given),
        family: *pick(roll << 24, script.family),
        family_first: script.family_first,
    }
}

impl Person {
    /// The person after so many changes of the family name: another one each time, of the script
    /// that has the most.
    pub(super) fn renamed(self, times: u64) -> Self {
        match times {
            0 => self,
            _ => Person { family: *turned(self.roll << 24, SCRIPTS[0].family, times), ..self },
        }
    }
}

const SCRIPTS: [Script; 11] = [
    Script {
        given: &[
            ("James", "james"),
            ("Mary", "mary"),
            ("Olivia", "olivia"),
            ("Noah", "noah"),
            ("Emma", "emma"),
            ("Liam", "liam"),
            ("Ava", "ava"),
            ("William", "william"),
            ("Sophia", "sophia"),
            ("Benjamin", "benjamin"),
            ("Mia", "mia"),
            ("Lucas", "lucas"),
            ("Amelia", "amelia"),
            ("Henry", "henry"),
            ("Harper", "harper"),
            ("Jack", "jack"),
            ("Evelyn", "evelyn"),
            ("Daniel", "daniel"),
            ("Grace", "grace"),
            ("Samuel", "samuel"),
            ("Chloe", "chloe"),
            ("David", "david"),
            ("Ella", "ella"),
            ("Joseph", "joseph"),
            ("Aisha", "aisha"),
            ("Carter", "carter"),
            ("Priya", "priya"),
            ("Owen", "owen"),
            ("Wei", "wei"),
            ("Kwame", "kwame"),
            ("Jean-Luc", "jean-luc"),
            ("Anne-Marie", "anne-marie"),
        ],
        family: &[
            ("Smith", "smith"),
            ("Johnson", "johnson"),
            ("Williams", "williams"),
            ("Brown", "brown"),
            ("Jones", "jones"),
            ("Garcia", "garcia"),
            ("Miller", "miller"),
            ("Davis", "davis"),
            ("O'Brien", "o'brien"),
            ("D'Angelo", "d'angelo"),
            ("Martinez", "martinez"),
            ("Wilson", "wilson"),
            ("Anderson", "anderson"),
            ("Taylor", "taylor"),
            ("Thomas", "thomas"),
            ("Moore", "moore"),
            ("Jackson", "jackson"),
            ("Lee", "lee"),
            ("Harris", "harris"),
            ("Clark", "clark"),
            ("Lewis", "lewis"),
            ("Walker", "walker"),
            ("Young", "young"),
            ("Okafor", "okafor"),
            ("King", "king"),
            ("Wright", "wright"),
            ("Patel", "patel"),
            ("Nguyen", "nguyen"),
            ("Hill", "hill"),
            ("Adams", "adams"),
            ("Mensah", "mensah"),
            ("O'Neill", "o'neill"),
            ("Smith-Jones", "smith-jones"),
            ("van der Berg", "vanderberg"),
        ],
        family_first: false,
    },
    Script {
        given: &[
            ("José", "jose"),
            ("Zoë", "zoe"),
            ("Björn", "bjorn"),
            ("Jürgen", "juergen"),
            ("Françoise", "francoise"),
            ("Łukasz", "lukasz"),
            ("Søren", "soren"),
            ("Håkon", "hakon"),
            ("Çağlar", "caglar"),
            ("Ðorđe", "djordje"),
            ("Zoe\u{308}", "zoe"),
            ("Nuño", "nuno"),
            ("Răzvan", "razvan"),
            ("Ieva", "ieva"),
            ("Þóra", "thora"),
            ("Siobhán", "siobhan"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("Peña", "pena"),
            ("Nováková", "novakova"),
            ("Wałęsa", "walesa"),
            ("Ångström", "angstrom"),
            ("Öztürk", "ozturk"),
            ("Lefèvre", "lefevre"),
            ("Groß", "gross"),
            ("Žižek", "zizek"),
            ("Ştefănescu", "stefanescu"),
            ("Nguyễn", "nguyen"),
            ("Trần", "tran"),
            ("Jónsdóttir", "jonsdottir"),
            ("García", "garcia"),
            ("D’Amico", "damico"),
            ("Bjørnson", "bjornson"),
        ],
        family_first: false,
    },
    Script {
        given: &[
            ("Ольга", "olga"),
            ("Иван", "ivan"),
            ("Наталья", "natalya"),
            ("Дмитрий", "dmitriy"),
            ("Юлия", "yuliya"),
            ("Андрей", "andrey"),
            ("Ганна", "hanna"),
            ("Жанна", "zhanna"),
        ],
        family: &[
            ("Иванова", "ivanova"),
            ("Петров", "petrov"),
            ("Шевченко", "shevchenko"),
            ("Кузнецов", "kuznetsov"),
            ("Щербакова", "shcherbakova"),
            ("Йорданов", "yordanov"),
            ("Љубић", "ljubic"),
            ("Соловьёв", "solovyov"),
        ],
        family_first: false,
    },
    Script {
        given: &[("Γιώργος", "giorgos"), ("Ελένη", "eleni"), ("Νίκος", "nikos"), ("Άννα", "anna")],
        family: &[
            ("Παπαδόπουλος", "papadopoulos"),
            ("Ιωάννου", "ioannou"),
            ("Κωνσταντίνου", "konstantinou"),
            ("Οικονόμου", "oikonomou"),
        ],
        family_first: false,
    },
    Script {
        given: &[("محمد", "mohammed"), ("فاطمة", "fatima"), ("أحمد", "ahmed"), ("ليلى", "layla")],
        family: &[
            ("الحسن", "alhassan"),
            ("منصور", "mansour"),
            ("عبدالله", "abdullah"),
            ("الفارسي", "alfarsi"),
        ],
        family_first: false,
    },
    Script {
        given: &[("נועה", "noa"), ("דוד", "david"), ("יעל", "yael"), ("אורי", "uri")],
        family: &[("כהן", "cohen"), ("לוי", "levi"), ("מזרחי", "mizrahi"), ("פרץ", "peretz")],
        family_first: false,
    },
    Script {
        given: &[
            ("秀英", "xiuying"),
            ("伟", "wei"),
            ("芳", "fang"),
            ("建国", "jianguo"),
            ("子涵", "zihan"),
            ("志强", "zhiqiang"),
            ("𠮷野", "yoshino"),
            ("静怡", "jingyi"),
        ],
        family: &[
            ("王", "wang"),
            ("李", "li"),
            ("张", "zhang"),
            ("刘", "liu"),
            ("陈", "chen"),
            ("欧阳", "ouyang"),
            ("黄", "huang"),
            ("司马", "sima"),
        ],
        family_first: true,
    },
    Script {
        given: &[("陽菜", "hina"), ("さくら", "sakura"), ("大翔", "hiroto"), ("ケンジ", "kenji")],
        family: &[
            ("佐藤", "sato"),
            ("鈴木", "suzuki"),
            ("髙橋", "takahashi"),
            ("渡邉", "watanabe"),
        ],
        family_first: true,
    },
    Script {
        given: &[("민준", "minjun"), ("서연", "seoyeon"), ("지우", "jiwoo"), ("하은", "haeun")],
        family: &[("김", "kim"), ("이", "yi"), ("박", "park"), ("최", "choi")],
        family_first: true,
    },
    Script {
        given: &[("आरव", "aarav"), ("प्रिया", "priya"), ("विक्रम", "vikram"), ("क्षितिज", "kshitij")],
        family: &[("शर्मा", "sharma"), ("सिंह", "singh"), ("गुप्ता", "gupta"), ("त्रिपाठी", "tripathi")],
        family_first: false,
    },
    Script {
        given: &[("สมชาย", "somchai"), ("มาลี", "malee"), ("ณัฐ", "nat"), ("วิภา", "wipha")],
        family: &[
            ("ศรีสุข", "srisuk"),
            ("วงศ์ใหญ่", "wongyai"),
            ("ทองดี", "thongdee"),
            ("จันทร์", "chan"),
        ],
        family_first: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_can_stand_in_addresses() {
        assert_eq!((SCRIPTS.len(), SHARES.iter().sum::<u64>()), (SHARES.len(), 64));
        for (shown, spelled) in
            SCRIPTS.iter().flat_map(|script| script.given.iter().chain(script.family))
        {
            let fits = |byte: u8| byte.is_ascii_lowercase() || b"-'".contains(&byte);
            assert!(spelled.bytes().all(fits) && spelled.len() <= SPELLING_BYTES_MAX, "{spelled}");
            assert!(!shown.contains(['"', '\\']) && !shown.contains(char::is_control), "{shown}");
        }
    }
}
