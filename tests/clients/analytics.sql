-- Statements that mean the same to the server and to DuckDB; `;` alone on a line ends one.
-- `-- in order` above a statement says that its ORDER BY leaves nothing open.

-- Counts and groups.
SELECT count(*) AS everyone, count(mail) AS with_mail, count(DISTINCT department) AS departments
FROM users
;
SELECT userType, accountEnabled, count(*) AS n FROM users GROUP BY userType, accountEnabled
;
-- in order
SELECT department, count(*) AS n, count(*) FILTER (WHERE accountEnabled) AS enabled
FROM users GROUP BY department ORDER BY n DESC, department NULLS LAST
;
-- in order
SELECT coalesce(country, '(nowhere)') AS place, count(*) AS n, min(displayName) AS first,
       max(displayName) AS last
FROM users GROUP BY 1 HAVING count(*) > 20 ORDER BY n DESC, place
;
SELECT country, city, count(*) AS n, grouping(country) AS g1, grouping(city) AS g2
FROM users GROUP BY ROLLUP (country, city)
;
SELECT userType, employeeType, count(*) AS n
FROM users GROUP BY GROUPING SETS ((userType), (employeeType), ())
;
SELECT operatingSystem, trustType, count(*) AS n, count(isCompliant) AS known
FROM devices GROUP BY CUBE (operatingSystem, trustType)
;
SELECT sum(consumedUnits) AS used, avg(consumedUnits) AS mean, min(consumedUnits) AS least,
       max(consumedUnits) AS most, stddev(consumedUnits) AS spread, median(consumedUnits) AS middle
FROM subscribed_skus
;
SELECT bool_and(accountEnabled) AS all_on, bool_or(accountEnabled) AS some_on,
       count(DISTINCT usageLocation) FILTER (WHERE userType = 'Member') AS places
FROM users
;
SELECT var_pop(length(displayName)) AS v, corr(length(displayName), length(surname)) AS c,
       covar_samp(length(displayName), length(givenName)) AS s
FROM users
;
SELECT groupTypes, count(*) AS n FROM groups GROUP BY groupTypes
;
SELECT employeeOrgData['division'] AS division, count(*) AS n, count(employeeOrgData) AS known
FROM users GROUP BY 1
;
-- in order
SELECT department, string_agg(DISTINCT jobTitle, '|' ORDER BY jobTitle) AS titles
FROM users WHERE department IS NOT NULL AND jobTitle IS NOT NULL
GROUP BY department ORDER BY department
;
-- in order
SELECT country, array_agg(DISTINCT city ORDER BY city) AS cities
FROM users WHERE country IS NOT NULL GROUP BY country ORDER BY country
;
SELECT DISTINCT operatingSystem, operatingSystemVersion FROM devices
;
SELECT DISTINCT ON (department) department, displayName, id
FROM users ORDER BY department NULLS LAST, displayName, id
;
SELECT count(*) AS n FROM users HAVING count(*) > 1000000
;

-- Joins.
-- in order
SELECT g.displayName, count(*) AS members
FROM groups g JOIN group_members m ON m.group_id = g.id
GROUP BY g.id, g.displayName ORDER BY members DESC, g.displayName LIMIT 20
;
SELECT g.displayName AS team, u.department, count(*) AS n
FROM groups AS g
JOIN group_members AS m ON m.group_id = g.id
JOIN users AS u ON u.id = m.id
WHERE g.securityEnabled
GROUP BY g.displayName, u.department
;
SELECT g.id, count(m.id) AS members
FROM groups g LEFT JOIN group_members m ON m.group_id = g.id
GROUP BY g.id
;
SELECT u.displayName, m.displayName AS manager
FROM users u LEFT JOIN user_managers m ON m.user_id = u.id
WHERE u.userType = 'Guest' OR m.id IS NULL
;
SELECT d.displayName AS device, o.userPrincipalName
FROM device_registered_owners o RIGHT JOIN devices d ON d.id = o.device_id
WHERE d.operatingSystem = 'Windows'
;
SELECT u.id AS user_id, s.userId AS signed_in, count(*) AS n
FROM users u FULL OUTER JOIN sign_ins s ON u.id = s.userId
GROUP BY u.id, s.userId
;
SELECT u.id, u.displayName FROM users u
WHERE EXISTS (SELECT 1 FROM group_members m WHERE m.id = u.id)
  AND NOT EXISTS (SELECT 1 FROM sign_ins s WHERE s.userId = u.id)
;
SELECT count(*) AS n FROM users WHERE id IN (SELECT id FROM user_managers)
;
SELECT count(*) AS n FROM users WHERE id NOT IN (SELECT user_id FROM user_managers)
;
SELECT a.id AS a, b.id AS b, a.displayName
FROM users a JOIN users b ON a.displayName = b.displayName AND a.id < b.id
;
SELECT e.user_id, m.user_id AS manager, m.id AS above
FROM user_managers e JOIN user_managers m ON m.user_id = e.id
WHERE e.department <> m.department
;
SELECT r.displayName AS role, m.odata_type AS kind, count(*) AS n
FROM directory_roles r JOIN directory_role_members m ON m.directory_role_id = r.id
GROUP BY 1, 2
;
SELECT id, u.department, m.department AS of_manager
FROM users u JOIN (SELECT user_id AS id, department FROM user_managers) m USING (id)
WHERE u.department IS DISTINCT FROM m.department
;
SELECT a.n AS users, b.n AS groups, a.n * b.n AS pairs
FROM (SELECT count(*) AS n FROM users) a CROSS JOIN (SELECT count(*) AS n FROM groups) b
;
SELECT p.displayName AS app, a.principalType, count(*) AS n
FROM service_principals p JOIN service_principal_app_role_assigned_to a
  ON a.service_principal_id = p.id
WHERE p.appRoleAssignmentRequired
GROUP BY p.displayName, a.principalType
;
SELECT sp.displayName, g.scope, count(*) AS n
FROM oauth2_permission_grants g
LEFT JOIN service_principals sp ON sp.id = g.clientId AND g.consentType = 'AllPrincipals'
GROUP BY sp.displayName, g.scope
;
SELECT x.lo, x.hi, count(u.id) AS n
FROM (VALUES (0, 8), (9, 12), (13, 16), (17, 99)) AS x(lo, hi)
LEFT JOIN users u ON length(u.displayName) BETWEEN x.lo AND x.hi
GROUP BY x.lo, x.hi
;

-- Subqueries.
SELECT displayName, (SELECT count(*) FROM user_managers m WHERE m.id = u.id) AS reports
FROM users u WHERE userType = 'Member'
;
SELECT department, count(*) AS n FROM users GROUP BY department
HAVING count(*) > (SELECT avg(n) FROM (SELECT count(*) AS n FROM users GROUP BY department) t)
;
SELECT id, consumedUnits FROM subscribed_skus
WHERE consumedUnits >= (SELECT max(consumedUnits) FROM subscribed_skus)
;
SELECT u.id, u.createdDateTime FROM users u
WHERE u.createdDateTime = (SELECT max(createdDateTime) FROM users v WHERE v.country = u.country)
;

-- With.
WITH sizes AS (SELECT group_id, count(*) AS n FROM group_members GROUP BY group_id),
     large AS (SELECT * FROM sizes WHERE n > (SELECT avg(n) FROM sizes))
SELECT count(*) AS groups, max(n) AS largest FROM large
;
WITH RECURSIVE up AS (
  SELECT user_id AS start, id, 1 AS steps FROM user_managers
  UNION ALL
  SELECT up.start, m.id, up.steps + 1 FROM up JOIN user_managers m ON m.user_id = up.id
)
SELECT start, max(steps) AS steps, count(DISTINCT id) AS managers FROM up GROUP BY start
;
-- in order
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 30)
SELECT i, count(u.id) AS users FROM n LEFT JOIN users u ON length(u.displayName) = i
GROUP BY i ORDER BY i
;

-- Windows.
-- in order
SELECT id, department, row_number() OVER (PARTITION BY department ORDER BY id) AS nth,
       count(*) OVER (PARTITION BY department) AS of
FROM users ORDER BY id
;
-- in order
SELECT id, createdDateTime, lag(createdDateTime) OVER w AS before, lead(id, 2) OVER w AS later,
       first_value(id) OVER w AS first, ntile(4) OVER w AS quarter
FROM groups WINDOW w AS (ORDER BY createdDateTime, id) ORDER BY createdDateTime, id
;
SELECT country, n, rank() OVER (ORDER BY n DESC) AS place, dense_rank() OVER (ORDER BY n DESC) AS d,
       round(cume_dist() OVER (ORDER BY n), 6) AS share
FROM (SELECT country, count(*) AS n FROM users GROUP BY country) t
;
SELECT department, jobTitle, n, sum(n) OVER (PARTITION BY department) AS total,
       100.0 * n / sum(n) OVER (PARTITION BY department) AS percent
FROM (SELECT department, jobTitle, count(*) AS n FROM users GROUP BY 1, 2) t
;
-- in order
SELECT day, n, sum(n) OVER (ORDER BY day) AS running,
       avg(n) OVER (ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS smooth
FROM (SELECT date_trunc('day', createdDateTime) AS day, count(*) AS n FROM sign_ins GROUP BY 1) t
ORDER BY day
;
SELECT department, displayName, id FROM users
QUALIFY row_number() OVER (PARTITION BY department ORDER BY createdDateTime DESC, id) <= 2
;
SELECT * FROM (
  SELECT userId, createdDateTime, id,
         row_number() OVER (PARTITION BY userId ORDER BY createdDateTime DESC, id) AS r
  FROM sign_ins
) t WHERE r = 1
;

-- Text.
SELECT id, upper(userPrincipalName) AS u, length(displayName) AS n, substr(displayName, 2, 3) AS s
FROM users
;
SELECT split_part(mail, '@', 2) AS domain, count(*) AS n FROM users GROUP BY 1
;
SELECT id, displayName FROM users WHERE displayName LIKE '%''%' OR surname LIKE '_ _%'
;
SELECT id, displayName FROM users WHERE displayName ILIKE 'MA%' OR displayName LIKE '%é%'
;
SELECT id FROM users WHERE mail LIKE '%@contoso.example' AND displayName NOT LIKE '%a%'
;
SELECT id, city, streetAddress FROM users WHERE city IN ('กรุงเทพ', 'São Paulo', '東京', 'İstanbul')
;
SELECT id, concat_ws(' / ', country, state, city) AS place, givenName || ' ' || surname AS name,
       replace(coalesce(mobilePhone, '-'), ' ', '') AS phone
FROM users
;
SELECT id, strpos(userPrincipalName, '@') AS at, lpad(coalesce(employeeId, ''), 12, '*') AS padded,
       trim(both 'E' FROM coalesce(employeeId, 'E')) AS digits
FROM users
;
SELECT id, starts_with(displayName, 'A') AS a, nullif(userType, 'Guest') AS member,
       CASE WHEN mail IS NULL THEN 'none' WHEN mail LIKE '%contoso%' THEN 'ours' ELSE 'theirs' END
         AS whose
FROM users
;

-- Dates.
-- in order
SELECT date_trunc('month', createdDateTime) AS month, count(*) AS n
FROM users GROUP BY 1 ORDER BY 1
;
SELECT extract(year FROM createdDateTime) AS y, extract(dow FROM createdDateTime) AS d, count(*) AS n
FROM users GROUP BY 1, 2
;
SELECT id, createdDateTime FROM users
WHERE createdDateTime >= '2023-01-01T00:00:00Z' AND createdDateTime < '2024-01-01T00:00:00Z'
;
SELECT id, createdDateTime + INTERVAL '30' DAY AS later, createdDateTime - INTERVAL '2' HOUR AS before
FROM groups
;
SELECT u.id, u.employeeHireDate, CAST(u.createdDateTime AS DATE) AS day
FROM users u WHERE u.employeeHireDate < u.createdDateTime - INTERVAL '1' DAY
;
SELECT date_part('hour', createdDateTime) AS hour, count(*) AS n,
       count(*) FILTER (WHERE conditionalAccessStatus = 'failure') AS blocked
FROM sign_ins GROUP BY 1
;
SELECT min(createdDateTime) AS first, max(createdDateTime) AS last,
       count(DISTINCT CAST(createdDateTime AS DATE)) AS days
FROM sign_ins WHERE createdDateTime BETWEEN '2026-06-01T00:00:00Z' AND '2026-06-30T00:00:00Z'
;

-- Lists and structs.
SELECT id, unnest(proxyAddresses) AS address FROM users WHERE userType = 'Member'
;
SELECT l.skuId AS sku, count(*) AS n
FROM (SELECT unnest(assignedLicenses) AS l FROM users) t GROUP BY 1
;
SELECT s.skuPartNumber, count(*) AS holders
FROM (SELECT id, unnest(assignedLicenses) AS l FROM users) t
JOIN subscribed_skus s ON s.skuId = t.l['skuId'] GROUP BY s.skuPartNumber
;
SELECT id FROM groups WHERE array_has(groupTypes, 'Unified')
;
SELECT id, array_length(businessPhones) AS phones, businessPhones[1] AS first
FROM users WHERE array_length(businessPhones) > 0
;
SELECT id, location['city'] AS city, location['geoCoordinates']['latitude'] AS north,
       status['errorCode'] AS code
FROM sign_ins WHERE status['errorCode'] <> 0
;
SELECT location['countryOrRegion'] AS country, count(*) AS n, avg(location['geoCoordinates']['latitude'])
       AS north
FROM sign_ins GROUP BY 1
;
SELECT skuPartNumber, prepaidUnits['enabled'] - consumedUnits AS left_over,
       array_length(servicePlans) AS plans
FROM subscribed_skus
;
SELECT id, array_to_string(groupTypes, '+') AS kinds FROM groups
;

-- Sets, orders and pages.
SELECT id FROM users EXCEPT SELECT userId FROM sign_ins
;
SELECT id FROM users INTERSECT SELECT id FROM group_members
;
SELECT 'user' AS kind, displayName FROM users
UNION ALL SELECT 'group', displayName FROM groups
UNION SELECT 'app', displayName FROM service_principals
;
-- in order
SELECT id, mail FROM users ORDER BY mail DESC NULLS LAST, id LIMIT 25 OFFSET 10
;
-- in order
SELECT displayName, id FROM users ORDER BY lower(displayName), id DESC LIMIT 40
;
-- in order
SELECT ID, DISPLAYNAME AS Name FROM Users WHERE USERTYPE = 'Guest' ORDER BY NAME, Id
;

-- Nulls.
SELECT count(*) AS n, count(jobTitle) AS known, sum(CASE WHEN jobTitle IS NULL THEN 1 ELSE 0 END) AS un
FROM users WHERE jobTitle <> 'Nurse' OR jobTitle IS NULL
;
SELECT id FROM users WHERE NOT (department = 'Marketing')
;
SELECT id FROM users WHERE onPremisesSyncEnabled IS NOT TRUE AND showInAddressList IS NOT FALSE
;
SELECT id, isCompliant IS NULL AS unknown, coalesce(isCompliant, isManaged, false) AS fine,
       isCompliant AND isManaged AS both_of, isCompliant OR isManaged AS either
FROM devices
;
SELECT greatest(length(displayName), 10) AS g, least(length(displayName), 10) AS l, count(*) AS n
FROM users GROUP BY 1, 2
;
