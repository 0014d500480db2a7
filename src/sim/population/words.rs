//! Constant texts of the tenant other than names: places, work, things. All as they stand in JSON.

/// Where people sit.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) city: &'static str,
    /// Empty where the country has no states.
    pub(super) state: &'static str,
    pub(super) country: &'static str,
    pub(super) code: &'static str,
    pub(super) postal: &'static str,
    pub(super) street: &'static str,
    /// Empty where the user has no preference.
    pub(super) language: &'static str,
    pub(super) dial: &'static str,
    /// As JSON numbers.
    pub(super) latitude: &'static str,
    pub(super) longitude: &'static str,
}

macro_rules! places {
    ($($city:literal $state:literal $country:literal $code:literal $postal:literal $street:literal
       $language:literal $dial:literal $latitude:literal $longitude:literal;)*) => {
        pub(super) const PLACES: &[Place] = &[$(Place {
            city: $city, state: $state, country: $country, code: $code, postal: $postal,
            street: $street, language: $language, dial: $dial, latitude: $latitude,
            longitude: $longitude,
        },)*];
    };
}

places! {
    "Redmond" "WA" "United States" "US" "98052" "1 Contoso Way" "en-US" "+1 425 555 " "47.67399" "-122.1215";
    "New York" "NY" "United States" "US" "10001" "350 5th Ave, Floor 7" "en-US" "+1 212 555 " "40.71278" "-74.00594";
    "Austin" "TX" "United States" "US" "78701" "98 Congress Ave" "" "+1 512 555 " "30.26715" "-97.74306";
    "Toronto" "ON" "Canada" "CA" "M5H 2N2" "100 Queen St W" "en-CA" "+1 416 555 " "43.65323" "-79.38318";
    "Montréal" "QC" "Canada" "CA" "H2Y 1C6" "275 rue Notre-Dame Est" "fr-CA" "+1 514 555 " "45.50170" "-73.56726";
    "London" "" "United Kingdom" "GB" "SW1A 1AA" "10 King's Row" "en-GB" "+44 20 7946 " "51.50735" "-0.12776";
    "Berlin" "" "Germany" "DE" "10117" "Unter den Linden 17\\u000d\\u000a3. Etage" "de-DE" "+49 30 23125 " "52.52001" "13.40495";
    "München" "Bayern" "Germany" "DE" "80331" "Marienplatz 8" "de-DE" "+49 89 23125 " "48.13513" "11.58198";
    "Paris" "" "France" "FR" "75008" "12 avenue de l'Opéra" "fr-FR" "+33 1 70 18 " "48.85661" "2.35222";
    "Madrid" "Madrid" "Spain" "ES" "28013" "Calle Mayor, 3 \\\"bajo\\\"" "es-ES" "+34 91 555 " "40.41678" "-3.70379";
    "São Paulo" "SP" "Brazil" "BR" "01310-100" "Avenida Paulista, 1578" "pt-BR" "+55 11 5555 " "-23.55052" "-46.63331";
    "Ciudad de México" "CDMX" "Mexico" "MX" "06000" "Avenida Juárez 50" "es-MX" "+52 55 5555 " "19.43261" "-99.13321";
    "Kraków" "" "Poland" "PL" "31-042" "Rynek Główny 9" "pl-PL" "+48 12 555 " "50.06465" "19.94498";
    "København" "" "Denmark" "DK" "1550" "Rådhuspladsen 1" "da-DK" "+45 32 55 " "55.67610" "12.56834";
    "İstanbul" "" "Türkiye" "TR" "34110" "Sultanahmet Mh. 4" "tr-TR" "+90 212 555 " "41.00824" "28.97836";
    "Київ" "" "Ukraine" "UA" "01001" "вул. Хрещатик, 36" "uk-UA" "+380 44 555 " "50.45010" "30.52340";
    "Αθήνα" "" "Greece" "GR" "105 63" "Πλατεία Συντάγματος 2" "el-GR" "+30 21 0555 " "37.98381" "23.72754";
    "تل أبيب" "" "Israel" "IL" "6578903" "שדרות רוטשילד 22" "he-IL" "+972 3 555 " "32.08530" "34.78177";
    "دبي" "" "United Arab Emirates" "AE" "00000" "شارع الشيخ زايد" "ar-AE" "+971 4 555 " "25.20485" "55.27078";
    "मुंबई" "MH" "India" "IN" "400001" "Bandra Kurla Complex" "hi-IN" "+91 22 5555 " "19.07598" "72.87766";
    "Bengaluru" "KA" "India" "IN" "560001" "MG Road 5\\/2" "en-IN" "+91 80 5555 " "12.97160" "77.59456";
    "กรุงเทพ" "" "Thailand" "TH" "10330" "ถนนพระราม 1" "th-TH" "+66 2 555 " "13.75633" "100.50177";
    "北京" "" "China" "CN" "100080" "海淀区中关村大街27号" "zh-CN" "+86 10 5555 " "39.90420" "116.40740";
    "東京" "東京都" "Japan" "JP" "108-0075" "港区港南2-16-3" "ja-JP" "+81 3 5555 " "35.68949" "139.69171";
    "서울" "" "Korea" "KR" "03142" "종로1길 50" "ko-KR" "+82 2 5555 " "37.56654" "126.97797";
    "Sydney" "NSW" "Australia" "AU" "2000" "1 Denison St" "en-AU" "+61 2 5550 " "-33.86882" "151.20930";
}

pub(super) const DEPARTMENTS: &[&str] = &[
    "Sales",
    "Finance",
    "Human Resources",
    "Engineering",
    "Legal",
    "Marketing",
    "IT",
    "Support",
    "Research & Development",
    "Facilities",
    "Procurement",
    "Security",
    "Data Platform",
    "Forschung",
    "Ventes",
    "営業部",
    "Customer Success",
    "Operations",
    "Board",
    "Quality",
];

pub(super) const JOBS: &[&str] = &[
    "Account Manager",
    "Software Engineer",
    "Senior Software Engineer",
    "Data Analyst",
    "Data Engineer",
    "HR Generalist",
    "Accountant",
    "Controller",
    "Paralegal",
    "Designer",
    "Product Manager",
    "Program Manager",
    "Support Engineer",
    "Security Analyst",
    "Technician",
    "Sachbearbeiter",
    "Ingénieur d'études",
    "部長",
    "Team Lead \\u0026 Mentor",
    "Intern",
    "Director, EMEA",
    "VP Sales",
    "Nurse",
    "Driver",
];

pub(super) const COMPANIES: &[&str] = &[
    "Contoso",
    "Contoso GmbH",
    "Contoso (Asia) Pte. Ltd.",
    "Fabrikam",
    "株式会社コントソ",
    "Contoso \\\"North\\\" Inc.",
];

pub(super) const EMPLOYEE_TYPES: &[&str] =
    &["Employee", "Employee", "Employee", "Contractor", "Consultant", "Vendor"];

pub(super) const DIVISIONS: &[&str] = &["Americas", "EMEA", "APAC", "Corporate"];

/// Where guests have their own mailboxes.
pub(super) const GUEST_HOSTS: &[&str] = &[
    "fabrikam.example",
    "adatum.example",
    "gmail.example",
    "woodgrove.example",
    "tailspintoys.example",
];

/// What groups are for.
pub(super) const TOPICS: &[&str] = &[
    "Project Falcon",
    "Payroll",
    "VPN Users",
    "Building 7",
    "Budget 2026",
    "Café ☕",
    "Onboarding",
    "Printers",
    "Sales EMEA",
    "Datenschutz",
    "Équipe produit",
    "営業チーム",
    "Охрана труда",
    "Licence E5",
    "Conditional Access Exclusions",
    "Kiosk Devices",
    "Runners 🏃",
    "R\\u0026D",
    "Board \\\"Confidential\\\"",
    "Share \\\\\\\\files01\\\\team",
    "Helpdesk",
    "Interns",
    "Vendors",
    "All hands",
];

/// What applications are called.
pub(super) const APPS: &[&str] = &[
    "Expense Tracker",
    "HR Portal",
    "Payroll Sync",
    "Inventory API",
    "Ticketing",
    "Data Lake Ingest",
    "Build Agent",
    "Wiki",
    "Backup \\u0026 Restore",
    "Zeiterfassung",
    "Portail RH",
    "勤怠管理",
    "CRM Connector",
    "SAML Test App",
    "Visitor Kiosk",
    "Metrics Exporter",
];

/// Browsers as signed-in users show them.
pub(super) const AGENTS: &[&str] = &[
    "Mozilla\\/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit\\/537.36 (KHTML, like Gecko) Chrome\\/137.0.0.0 Safari\\/537.36 Edg\\/137.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "python-requests/2.32.3",
    "BAV2ROPC",
];
