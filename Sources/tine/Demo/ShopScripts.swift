/// What the shop of the demo is made of.
enum ShopScripts {
  static let schema = """
    CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT, email TEXT, city TEXT, joined INTEGER);
    CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT, price INTEGER, category TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, state TEXT);
    CREATE TABLE items(id INTEGER PRIMARY KEY, "order" INTEGER, product INTEGER, count INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || (i % 1999) || '@example.org',
        'City ' || (i * 7919 % 97), i * 31 % 3000 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
      INSERT INTO products SELECT i, 'Product ' || i, i * 37 % 9000 + 100, 'Category ' || (i % 23) FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
      INSERT INTO orders SELECT i, i * 7907 % 2000 + 1, i * 13 % 365,
        CASE i % 11 WHEN 0 THEN 'returned' WHEN 1 THEN 'open' ELSE 'paid' END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      INSERT INTO items SELECT i, i * 6971 % 12000 + 1, i * 499 % 500 + 1, i % 4 + 1 FROM n;

    """

  /// A day's queries, in small.
  static let workload = """
    SELECT count(*) FROM orders WHERE customer = 42;
    SELECT sum(count) FROM items WHERE "order" IN (SELECT id FROM orders WHERE customer = 77);
    SELECT count(*) FROM orders WHERE day BETWEEN 100 AND 103;
    SELECT count(*) FROM customers WHERE city = 'City 5';
    SELECT count(*) FROM customers WHERE email = 'c7@example.org';
    SELECT count(*) FROM items WHERE product = 17;
    SELECT count(*) FROM products WHERE category = 'Category 3';
    SELECT count(*) FROM orders WHERE state = 'open' AND day > 360;

    """

  /// Adds the indexes that the bits of the attempt's number choose; every 25th makes a mistake.
  static let migrate = """
    set -e
    chosen=""
    add() {
      chosen="$chosen $2"
      echo "CREATE INDEX by_$2 ON $3;" >> migration.sql
    }
    : > migration.sql
    if [ $((TINE_ATTEMPT % 25)) = 0 ]; then
      echo "CREATE UNIQUE INDEX one_account_each ON customers(email);" >> migration.sql
    fi
    [ $((TINE_ATTEMPT / 1 % 2)) = 0 ] || add 1 customer "orders(customer)"
    [ $((TINE_ATTEMPT / 2 % 2)) = 0 ] || add 2 order 'items("order")'
    [ $((TINE_ATTEMPT / 4 % 2)) = 0 ] || add 3 product "items(product)"
    [ $((TINE_ATTEMPT / 8 % 2)) = 0 ] || add 4 day "orders(day)"
    [ $((TINE_ATTEMPT / 16 % 2)) = 0 ] || add 5 city "customers(city)"
    [ $((TINE_ATTEMPT / 32 % 2)) = 0 ] || add 6 email "customers(email)"
    [ $((TINE_ATTEMPT / 64 % 2)) = 0 ] || add 7 state "orders(state, day)"
    sqlite3 -bail shop.db < migration.sql
    echo "index$chosen"

    """

  /// Makes the database, and notes how much work its queries are and how long it is.
  static let setUp = """
    set -e
    sqlite3 shop.db < schema.sql
    echo "$(sh steps.sh) $(sqlite3 shop.db 'PRAGMA page_count')" > base

    """

  /// The steps of SQLite's virtual machine that the queries take: a measure of work that is the same each time.
  static let steps = """
    sqlite3 -cmd '.stats vmstep' shop.db < workload.sql | awk '/VM-steps/ { n += $2 } END { print n }'

    """

  /// How many times less work the queries are than without any index, less 1 % for each 100 KiB that the indexes take.
  static let score = """
    read -r steps pages < base
    awk -v steps="$steps" -v pages="$pages" -v now="$(sh steps.sh)" \\
      -v size="$(sqlite3 shop.db 'PRAGMA page_count')" \\
      'BEGIN { printf "%.3f\\n", steps / now * (1 - (size - pages) * 4096 / 102400 / 100) }'

    """
}
